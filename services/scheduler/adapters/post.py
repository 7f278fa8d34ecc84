"""The outbox in the database."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine

from services.common.store import outbox
from services.scheduler.adapters.transaction import transaction
from services.scheduler.core.letters import Letter


class StoredPost:
    """The port `Post`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def waiting(self, now: datetime, limit: int) -> Sequence[tuple[Letter, int]]:
        with transaction(self._engine) as connection:
            rows = outbox.waiting(connection, now, limit)
        return [(Letter(row["id"], row["kind"], row["payload"]), row["attempts"]) for row in rows]

    def count_waiting(self) -> int:
        """Letters that are not delivered yet."""
        with transaction(self._engine) as connection:
            return outbox.count_waiting(connection)

    def delivered(self, letters: Sequence[Letter], now: datetime) -> None:
        with transaction(self._engine) as connection:
            outbox.delivered(connection, [letter.id for letter in letters], now)

    def postpone(self, letter: Letter, until: datetime, error: str) -> None:
        with transaction(self._engine) as connection:
            outbox.postpone(connection, letter.id, until, error)


def put(connection: Connection, letters: Iterable[Letter], now: datetime) -> None:
    """Post letters in the transaction of what they tell of."""
    for letter in letters:
        outbox.put(connection, letter.id, letter.kind, letter.payload, now)
