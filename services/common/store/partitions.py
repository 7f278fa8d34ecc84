"""A run's own part of the big tables. The scheduler makes it before the first batch; a reprocess
makes that of a pruned run again."""

import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from services.common.messages.envelope import BrokenError
from services.common.store.tables import PARTITIONED

_LOCK_NOT_AVAILABLE = "55P03"
_LOCK_TIMEOUT = "2s"
_ATTEMPTS = 10
_PAUSE = 0.5
"""Seconds between attempts, in which the queue behind us drains."""


def create(engine: Engine, run_id: int) -> None:
    """Make what is missing of the partitions of a run. Raises BrokenError if others keep the
    tables locked for long."""
    for table in PARTITIONED:
        _patiently(engine, _attach, table.name, run_id)


def drop(engine: Engine, run_id: int) -> None:
    """Remove a run's rows, without holding up who reads or writes other runs. Can be repeated
    after it was interrupted. Raises BrokenError like `create`."""
    for table in PARTITIONED:
        _patiently(engine, _detach, table.name, run_id)


def name(table: str, run_id: int) -> str:
    return f"{table}_{run_id}"


def _attach(connection: Connection, table: str, run_id: int) -> None:
    """The new table is made beside the others, so that they are locked for the attaching only."""
    part = name(table, run_id)
    if _is_detaching(connection, table, part) is not None:
        return
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {part} (LIKE {table} INCLUDING ALL)"))
    connection.execute(
        text(f"ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES IN ({run_id})")
    )


def _detach(connection: Connection, table: str, run_id: int) -> None:
    part = name(table, run_id)
    detaching = _is_detaching(connection, table, part)
    if detaching is not None:
        how = "FINALIZE" if detaching else "CONCURRENTLY"
        connection.execute(text(f"ALTER TABLE {table} DETACH PARTITION {part} {how}"))
    connection.execute(text(f"DROP TABLE IF EXISTS {part}"))


def _is_detaching(connection: Connection, table: str, part: str) -> bool | None:
    """Whether a detach of this partition was begun; None if it is no partition (any more)."""
    query = text(
        "SELECT inhdetachpending FROM pg_inherits"
        " WHERE inhrelid = to_regclass(:part) AND inhparent = to_regclass(:table)"
    )
    return connection.execute(query, {"part": part, "table": table}).scalar()


def _patiently(
    engine: Engine, change: Callable[[Connection, str, int], None], table: str, run_id: int
) -> None:
    """Wait for locks in short spells only: whoever comes behind a waiting DDL waits with it."""
    with engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(f"SET lock_timeout = '{_LOCK_TIMEOUT}'"))
        try:
            for _ in range(_ATTEMPTS):
                if _changed(connection, change, table, run_id):
                    return
                time.sleep(_PAUSE)
        finally:
            connection.invalidate()
    raise BrokenError(f"partition of {table} for run {run_id}: the table stays locked")


def _changed(
    connection: Connection, change: Callable[[Connection, str, int], None], table: str, run_id: int
) -> bool:
    try:
        change(connection, table, run_id)
    except OperationalError as error:
        if getattr(error.orig, "pgcode", None) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True
