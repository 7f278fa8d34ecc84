"""Dead letters that somebody dealt with, by where they lie."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.store.tables import handled_letters

Where = tuple[str, int, int]
"""Dead-letter topic, partition and offset."""


def note(connection: Connection, letters: Iterable[Where], action: str, now: datetime) -> None:
    """`action` is requeued or dropped; the last one counts."""
    rows = [
        {
            "topic": topic,
            "partition": partition,
            "offset": offset,
            "action": action,
            "handled_at": now,
        }
        for topic, partition, offset in letters
    ]
    if not rows:
        return
    made = upsert(handled_letters)
    changed = made.on_conflict_do_update(
        index_elements=list(handled_letters.primary_key.columns),
        set_={"action": made.excluded.action, "handled_at": made.excluded.handled_at},
    )
    connection.execute(changed, rows)


def load(connection: Connection) -> dict[Where, str]:
    """What was done with each letter that was dealt with."""
    return {
        (row.topic, row.partition, row.offset): row.action
        for row in connection.execute(select(handled_letters))
    }
