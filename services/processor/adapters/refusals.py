"""Scan results that a reprocess cannot derive a SiteRun from, in PostgreSQL."""

from sqlalchemy import Engine

from services.common.dns.text import printable
from services.common.messages.envelope import Incoming, InvalidError
from services.common.store import replays
from services.common.store.faults import translated
from services.common.store.replays import Failure
from services.processor.adapters.site_runs import SERVICE

MAX_REASON = 1_000


class Refusals:
    """Keeps what a replay refuses instead of making dead letters of it."""

    def __init__(self, engine: Engine, replay: str) -> None:
        self._engine = engine
        self._replay = replay

    def __call__(self, incoming: Incoming, fault: InvalidError) -> None:
        """Raises BrokenError."""
        failure = Failure(
            SERVICE,
            incoming.partition,
            incoming.offset,
            printable((incoming.key or b"").decode("latin-1")),
            printable(str(fault)[:MAX_REASON]),
        )
        with translated(), self._engine.begin() as connection:
            replays.note_failures(connection, self._replay, [failure])
