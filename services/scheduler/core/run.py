"""A run as it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS
from services.scheduler.core.barriers import Ends, Offsets
from services.scheduler.core.run_states import CLOSED, State

STAGES = ("published", "scanned", "processed", "graded")
"""What a run goes through, in this order."""


@dataclass(frozen=True)
class Run:
    """Times that are None have not come."""

    id: int
    state: State
    created_at: datetime
    scheduled_for: datetime | None
    list: int | None
    top: int
    graders: tuple[str, ...]
    secret: bytes = field(repr=False)
    depth: str
    batch_size: int
    """This and the next two: 0 until the sites are fixed."""
    sites: int
    batches: int
    published_batches: int
    started_at: datetime | None
    queued_at: datetime | None
    scanned_at: datetime | None
    processed_at: datetime | None
    finished_at: datetime | None
    deadline: datetime | None
    archived_at: datetime | None
    pruned_at: datetime | None
    """Since then its rows in the big tables are gone."""
    counts: Mapping[str, int] | None
    """What became of its sites, as `Outcome.counts`, from when pruning began."""
    note: str
    starts: Mapping[str, Offsets]
    """By topic, the window's start."""
    ends: Mapping[str, Offsets]
    """By topic, what has been noted as end."""

    @property
    def closed(self) -> bool:
        return self.state in CLOSED

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Start and deadline. Raises ValueError for a run that has not started."""
        if self.started_at is None or self.deadline is None:
            raise ValueError(f"run {self.id} has not started")
        return self.started_at, self.deadline

    def in_order(self, now: datetime) -> datetime:
        """The time of what happens to it now: never before what happened before, though another
        clock may have told that."""
        told = (self.started_at, self.queued_at, self.scanned_at, self.processed_at)
        return max([now, *filter(None, told)])

    @property
    def barriers(self) -> Ends:
        """Raises KeyError for a run that is not queued yet."""
        return Ends(
            self.graders,
            self.ends[SCAN_REQUESTS],
            self.ends.get(SCAN_RESULTS),
            self.ends.get(GRADE_REQUESTS),
        )

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Duration of each stage that is over."""
        times = (
            self.started_at,
            self.queued_at,
            self.scanned_at,
            self.processed_at,
            self.finished_at,
        )
        return {
            stage: (after - before).total_seconds()
            for stage, before, after in zip(STAGES, times, times[1:], strict=False)
            if before and after
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run's sites."""

    sites: int
    stored: int
    """Sites with a SiteRun."""
    failed: Mapping[str, int]
    """By stage: scanner, processor, grader-spf …"""
    graded: Mapping[str, int]
    """Grades by grader, withheld ones included."""
    withheld: Mapping[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """Flat, as run events carry them."""
        counts = {"sites": self.sites, "stored": self.stored}
        counts |= {f"failed_{stage}": number for stage, number in self.failed.items()}
        counts |= {f"graded_{grader}": number for grader, number in self.graded.items()}
        return counts | {f"withheld_{grader}": number for grader, number in self.withheld.items()}
