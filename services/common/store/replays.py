"""What every replay leaves behind, whatever it judges: failures, and positions in an archive."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.store.tables import replay_failures, replay_positions


@dataclass(frozen=True, slots=True)
class Failure:
    """A message of the window that could not be judged or derived, in `stage`."""

    stage: str
    partition: int
    offset: int
    domain: str
    reason: str


def note_failures(connection: Connection, replay: str, found: Iterable[Failure]) -> None:
    """A message read again fails once."""
    rows = [
        {
            "replay": replay,
            "stage": failure.stage,
            "partition": failure.partition,
            "offset": failure.offset,
            "domain": failure.domain,
            "reason": failure.reason,
        }
        for failure in found
    ]
    if rows:
        connection.execute(upsert(replay_failures).on_conflict_do_nothing(), rows)


def count_failures(connection: Connection, replay: str) -> int:
    counted = select(func.count()).where(replay_failures.c.replay == replay)
    return connection.execute(counted).scalar_one()


def failures(connection: Connection, replay: str, limit: int) -> list[Failure]:
    """Some of them, by partition and offset."""
    columns = replay_failures.c
    found = (
        select(columns.stage, columns.partition, columns.offset, columns.domain, columns.reason)
        .where(columns.replay == replay)
        .order_by(columns.partition, columns.offset, columns.stage)
        .limit(limit)
    )
    return [Failure(*row) for row in connection.execute(found)]


def positions(connection: Connection, replay: str) -> dict[int, int]:
    """Where a replay of an archive reads on, by partition."""
    found = select(replay_positions.c.partition, replay_positions.c.next_offset).where(
        replay_positions.c.replay == replay
    )
    return {row.partition: row.next_offset for row in connection.execute(found)}


def move(connection: Connection, replay: str, partition: int, next_offset: int) -> None:
    given = {"replay": replay, "partition": partition, "next_offset": next_offset}
    changed = upsert(replay_positions).values(given)
    key = [replay_positions.c.replay, replay_positions.c.partition]
    connection.execute(
        changed.on_conflict_do_update(index_elements=key, set_={"next_offset": next_offset})
    )
