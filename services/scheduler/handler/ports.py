"""What the scheduler needs of the world. Every method of a store is one transaction, and raises
BrokenError while the database is away."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.common.messages.dead_letter import DeadLetter
from services.common.messages.envelope import Outgoing
from services.common.messages.scan_request import BatchSite
from services.scheduler.core.barriers import Offsets
from services.scheduler.core.estimate import Estimate
from services.scheduler.core.letters import Letter
from services.scheduler.core.order import Order
from services.scheduler.core.ranked_list import ListInfo, Merge, RankedList
from services.scheduler.core.run import Outcome, Run
from services.scheduler.core.run_states import State

Clock = Callable[[], datetime]
"""The time now, aware, in UTC."""


class MailError(Exception):
    """The mail was not taken; the text says by whom and why."""


class ListError(Exception):
    """The list cannot be had, or is not to be imported; the text says why."""


class OpenRunError(Exception):
    """A run is open, or the scheduled one was made already: no other can be planned or reopened."""


@dataclass(frozen=True, slots=True)
class Change:
    """The next state of a run and what becomes known with it."""

    state: State
    times: Mapping[str, datetime | None]
    """By column: started_at, queued_at …; None: it has still to come."""
    starts: Mapping[str, Offsets] = field(default_factory=dict)
    ends: Mapping[str, Offsets] = field(default_factory=dict)
    forgotten: Sequence[str] = ()
    """Topics whose end is not known any more."""
    note: str = ""


class Runs(Protocol):
    def find_open(self) -> Run | None: ...

    def load(self, number: int) -> Run | None: ...

    def fix_sites(self, run: Run, partitions: int) -> Run:
        """Make room for the run's rows; fix its sites and cut them into batches."""

    def batches(
        self, run: Run, first: int, count: int
    ) -> Sequence[tuple[int, tuple[BatchSite, ...]]]:
        """Numbers and sites of `count` batches from `first` on."""

    def published(self, run: Run, batches: int) -> bool:
        """Note that so many batches are out. False: the run is not publishing any more."""

    def change(
        self, run: Run, change: Change, letters: Callable[[Run], Iterable[Letter]] = lambda _: ()
    ) -> Run | None:
        """Store the change, and with it the letters about the changed run, which is returned.
        None: the run is not as `run` says any more, and nothing was stored. Raises OpenRunError
        where a closed run would be open beside another."""

    def fail_sites(
        self, run: Run, known: Mapping[str, Mapping[str, str]], stage: str, otherwise: str
    ) -> None:
        """Note anew which sites failed to get a SiteRun: `known` has reasons by domain, by the
        stage that gave up; the rest failed in `stage`."""

    def fail_grades(
        self, run: Run, grader: str, reasons: Mapping[str, str], otherwise: str
    ) -> None:
        """Note anew what has a SiteRun and no grade; `reasons` are by domain."""

    def outcome(self, run: Run) -> Outcome: ...

    def unsealed(self) -> Sequence[Run]:
        """Closed runs whose windows have no end yet."""

    def seal(self, run: Run, ends: Mapping[str, Offsets]) -> None:
        """Store the ends that are not stored yet."""


class Plans(Protocol):
    def plan(self, order: Order, scheduled_for: datetime | None, now: datetime) -> int:
        """Plan a run; returns its number. Raises OpenRunError."""

    def list_of(self, run: Run) -> ListInfo | None: ...

    def estimate(self, sites: int) -> Estimate: ...

    def handled_until(self, job: str, now: datetime) -> datetime:
        """Up to when the job's schedule was dealt with; for a new one that is `now`."""

    def handle_until(self, job: str, until: datetime, letters: Iterable[Letter]) -> None: ...


class Lists(Protocol):
    def import_list(
        self,
        info: ListInfo,
        read: RankedList,
        lines: Iterable[bytes],
        check: Callable[[int, int], None],
        now: datetime,
    ) -> Merge:
        """Merge the good lines into the sites and post the mail about it, all or nothing.
        `check(sites, sites before)` may raise, then nothing changes."""


class Post(Protocol):
    """The outbox."""

    def waiting(self, now: datetime, limit: int) -> Sequence[tuple[Letter, int]]:
        """Letters to be tried now, oldest first, and how often each was tried."""

    def delivered(self, letters: Sequence[Letter], now: datetime) -> None: ...

    def postpone(self, letter: Letter, until: datetime, error: str) -> None: ...


class Topics(Protocol):
    """Raises BrokenError while the broker is away."""

    def ends(self, topic: str) -> dict[int, int]: ...

    def positions(self, group: str, topic: str) -> dict[int, int]:
        """Where the group reads on."""

    def dead_letters(self, topic: str, at: datetime) -> Iterable[DeadLetter]:
        """Dead letters of the topic since that time, by the clocks of those who sent them."""

    def absent(self, groups: Iterable[str]) -> list[str]:
        """Those of the groups that have no member."""


class HandledLetters(Protocol):
    """Which dead letters were dealt with."""

    def note(self, letters: Iterable[DeadLetter], action: str, now: datetime) -> None: ...


class Sender(Protocol):
    """Raises BrokenError while the broker is away."""

    def send(self, message: Outgoing) -> None: ...

    def flush(self) -> None:
        """Return when everything sent is delivered."""


class Mailer(Protocol):
    def send(self, name: str, subject: str, text: str) -> None:
        """`name` identifies the mail if it comes twice. Raises MailError."""
