"""How far a run is, seen from outside: from its rows and from the ends of topics."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean

from deploy.local.process import LocalError
from services.common.messages.envelope import BrokenError
from services.common.messages.topics import (
    GRADE_REQUESTS,
    SCAN_REQUESTS,
    SCAN_RESULTS,
    TOPICS,
    dead_letter,
)
from services.common.store.database import engine
from services.common.stream.broker import Broker
from services.scheduler.adapters.runs import StoredRuns
from services.scheduler.adapters.topics import BrokerTopics
from services.scheduler.core.run import Outcome, Run

RUN_SECONDS = 900.0
POLL = 0.01


@dataclass(frozen=True, slots=True)
class Repeated:
    """Messages in the windows of a closed run beyond what it takes."""

    batches: int
    results: int
    requests: int

    def __str__(self) -> str:
        return f"{self.batches} batches, {self.results} scan results, {self.requests} requests"


class Progress:
    """Every method raises BrokenError while broker or database are away."""

    def __init__(self, dsn: str, bootstrap: str) -> None:
        self._engine = engine(dsn)
        self._runs = StoredRuns(self._engine, lambda: datetime.now(UTC))
        self._topics = BrokerTopics(Broker(bootstrap))

    def run(self, number: int) -> Run:
        found = self._runs.load(number)
        if found is None:
            raise LookupError(f"there is no run {number}")
        return found

    def share(self, number: int) -> float:
        """From 0 to 1: the mean of five stages, published, scanned, processed, graded, closed."""
        run = self.run(number)
        if not run.started_at:
            return 0.0
        outcome = self._runs.outcome(run)
        shares = (
            1.0 if run.queued_at else self.published(run),
            1.0 if run.scanned_at else min(1.0, self._added(run, SCAN_RESULTS) / run.sites),
            outcome.stored / run.sites,
            sum(outcome.graded.values()) / (run.sites * len(run.graders)),
            fmean(
                at is not None
                for at in (run.queued_at, run.scanned_at, run.processed_at, run.finished_at)
            ),
        )
        return fmean(shares)

    def published(self, run: Run) -> float:
        """The share of the run's batches that are out, from 0 to 1."""
        if not run.started_at:
            return 0.0
        return min(1.0, self._added(run, SCAN_REQUESTS) / run.batches)

    def outcome(self, number: int) -> Outcome:
        return self._runs.outcome(self.run(number))

    def repeated(self, number: int) -> Repeated:
        run = self.run(number)
        return Repeated(
            self._added(run, SCAN_REQUESTS) - run.batches,
            self._added(run, SCAN_RESULTS) - run.sites,
            self._added(run, GRADE_REQUESTS) - run.sites,
        )

    def dead_letters(self) -> int:
        """On all topics, of all runs."""
        return sum(sum(self._topics.ends(dead_letter(topic)).values()) for topic in TOPICS)

    def close(self) -> None:
        self._engine.dispose()

    def _added(self, run: Run, topic: str) -> int:
        ends = run.ends.get(topic) or self._topics.ends(topic)
        return sum(ends.values()) - sum(run.starts[topic].values())


def eventually(done: Callable[[], bool], what: str, pause: float = POLL) -> None:
    """Until it is so; broker and database may be away meanwhile. Raises LocalError."""
    deadline = time.monotonic() + RUN_SECONDS
    while not _holds(done):
        if time.monotonic() > deadline:
            raise LocalError(f"waited {RUN_SECONDS:.0f} s for {what}")
        time.sleep(pause)


def _holds(done: Callable[[], bool]) -> bool:
    try:
        return done()
    except BrokenError:
        return False
