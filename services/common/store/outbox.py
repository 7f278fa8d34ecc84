"""Mails and run events on their way out. They are delivered at least once, under one id."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert

from services.common.store.tables import outbox


def put(
    connection: Connection, name: str, kind: str, payload: Mapping[str, Any], now: datetime
) -> None:
    """Post a letter with the change that it tells of; `name` is a UUID, `kind` mail or event.
    The same name again changes nothing."""
    letter = {"id": name, "kind": kind, "payload": payload, "created_at": now, "next_try_at": now}
    connection.execute(insert(outbox).values(letter).on_conflict_do_nothing())


def waiting(connection: Connection, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Letters to be tried now, oldest first."""
    due = (
        select(outbox)
        .where(outbox.c.delivered_at.is_(None), outbox.c.next_try_at <= now)
        .order_by(outbox.c.created_at, outbox.c.id)
        .limit(limit)
    )
    return connection.execute(due).mappings().all()


def count_waiting(connection: Connection) -> int:
    """Letters that are not delivered, due or not."""
    undelivered = select(func.count()).where(outbox.c.delivered_at.is_(None))
    return int(connection.execute(undelivered).scalar_one())


def delivered(connection: Connection, names: Sequence[str], now: datetime) -> None:
    connection.execute(
        update(outbox)
        .where(outbox.c.id.in_(names))
        .values(delivered_at=now, attempts=outbox.c.attempts + 1, error="")
    )


def postpone(connection: Connection, name: str, until: datetime, error: str) -> None:
    connection.execute(
        update(outbox)
        .where(outbox.c.id == name)
        .values(next_try_at=until, attempts=outbox.c.attempts + 1, error=error)
    )
