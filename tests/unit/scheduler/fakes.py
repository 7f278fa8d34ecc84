"""Runs, plans, topics and mails in memory."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from services.common.messages.dead_letter import DeadLetter
from services.common.messages.envelope import BrokenError, Outgoing
from services.common.messages.scan_request import BatchSite
from services.scheduler.core import batches
from services.scheduler.core.barriers import Offsets
from services.scheduler.core.estimate import Estimate, estimate
from services.scheduler.core.letters import Letter
from services.scheduler.core.order import Order
from services.scheduler.core.ranked_list import ListInfo
from services.scheduler.core.run import Outcome, Run
from services.scheduler.core.run_states import State
from services.scheduler.handler.ports import Change, MailError, OpenRunError

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
LISTED = ListInfo("list.csv", "K2VLW", date(2026, 11, 24), b"\1" * 32)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


def planned(**given: object) -> Run:
    run = Run(
        id=7,
        state=State.PLANNED,
        created_at=START,
        scheduled_for=None,
        list=1,
        top=1000,
        graders=("spf", "mx"),
        secret=b"secret",
        depth="normal",
        batch_size=0,
        sites=0,
        batches=0,
        published_batches=0,
        started_at=None,
        queued_at=None,
        scanned_at=None,
        processed_at=None,
        finished_at=None,
        deadline=None,
        archived_at=None,
        pruned_at=None,
        counts=None,
        note="",
        starts={},
        ends={},
    )
    return replace(run, **given)  # type: ignore[arg-type]


class Runs:
    """One run; failures as (stage or grader, reasons, otherwise)."""

    def __init__(self, run: Run, domains: Sequence[str] = (), stored: int = 0) -> None:
        self.run = run
        self.letters: list[Letter] = []
        self.failures: list[tuple[str, Mapping[str, str], str | None]] = []
        self.stored = stored
        self.other: Run | None = None
        self._domains = domains

    def find_open(self) -> Run | None:
        return self.other or (None if self.run.closed else self.run)

    def load(self, number: int) -> Run | None:
        return self.run if number == self.run.id else None

    def fix_sites(self, run: Run, partitions: int) -> Run:
        size = run.batch_size or batches.default_size(len(self._domains), partitions)
        self.run = replace(
            run,
            sites=len(self._domains),
            batch_size=size,
            batches=batches.count(len(self._domains), size),
        )
        return self.run

    def batches(
        self, run: Run, first: int, count: int
    ) -> Sequence[tuple[int, tuple[BatchSite, ...]]]:
        numbers = range(first, min(first + count, run.batches))
        return [(number, tuple(self._batch(run, number))) for number in numbers]

    def published(self, run: Run, batches: int) -> bool:
        if self.run.state is not State.PUBLISHING:
            return False
        self.run = replace(self.run, published_batches=batches)
        return True

    def change(
        self, run: Run, change: Change, letters: Callable[[Run], Iterable[Letter]] = lambda _: ()
    ) -> Run | None:
        if self.run != run and self.run.state is not State.PUBLISHING:
            return None
        if self.other and not change.times.get("finished_at", START):
            raise OpenRunError("another run is still open")
        kept = {
            topic: ends for topic, ends in self.run.ends.items() if topic not in change.forgotten
        }
        self.run = replace(
            self.run,
            state=change.state,
            starts={**self.run.starts, **change.starts},
            ends={**kept, **change.ends},
            note=change.note or self.run.note,
            **change.times,  # type: ignore[arg-type]
        )
        self.letters += letters(self.run)
        return self.run

    def fail_sites(
        self, run: Run, known: Mapping[str, Mapping[str, str]], stage: str, otherwise: str
    ) -> None:
        self.failures += [(service, reasons, None) for service, reasons in known.items()]
        self.failures.append((stage, {}, otherwise))

    def fail_grades(
        self, run: Run, grader: str, reasons: Mapping[str, str], otherwise: str
    ) -> None:
        self.failures.append((grader, reasons, otherwise))

    def outcome(self, run: Run) -> Outcome:
        return Outcome(run.sites, self.stored, {}, {"spf": self.stored}, {"spf": 1})

    def unsealed(self) -> Sequence[Run]:
        missing = any(topic not in self.run.ends for topic in self.run.starts)
        return [self.run] if self.run.closed and missing else []

    def seal(self, run: Run, ends: Mapping[str, Offsets]) -> None:
        self.run = replace(self.run, ends={**ends, **self.run.ends})

    def _batch(self, run: Run, number: int) -> list[BatchSite]:
        first = number * run.batch_size
        chosen = self._domains[first : first + run.batch_size]
        return [
            BatchSite(rank, domain, rank) for rank, domain in enumerate(chosen, start=first + 1)
        ]


class Plans:
    def __init__(self) -> None:
        self.planned: list[datetime | None] = []
        self.open = False
        self.handled: dict[str, datetime] = {}
        self.letters: list[Letter] = []

    def plan(self, order: Order, scheduled_for: datetime | None, now: datetime) -> int:
        if self.open:
            raise OpenRunError("another run is still open")
        self.planned.append(scheduled_for)
        return len(self.planned)

    def list_of(self, run: Run) -> ListInfo | None:
        return LISTED

    def estimate(self, sites: int) -> Estimate:
        return estimate(sites, 30, [], 1000, 100)

    def handled_until(self, job: str, now: datetime) -> datetime:
        return self.handled.setdefault(job, now)

    def handle_until(self, job: str, until: datetime, letters: Iterable[Letter]) -> None:
        self.handled[job] = until
        self.letters += letters


class Topics:
    """Ends and positions as a test sets them, by topic and by group."""

    def __init__(self, partitions: int = 2) -> None:
        self._empty = dict.fromkeys(range(partitions), 0)
        self.end: dict[str, dict[int, int]] = {}
        self.position: dict[str, dict[int, int]] = {}
        self.dead: dict[str, list[DeadLetter]] = {}
        self.missing: set[str] = set()

    def ends(self, topic: str) -> dict[int, int]:
        return dict(self.end.get(topic, self._empty))

    def positions(self, group: str, topic: str) -> dict[int, int]:
        return dict(self.position.get(group, self._empty))

    def dead_letters(self, topic: str, at: datetime) -> Sequence[DeadLetter]:
        since = at.timestamp() * 1000
        return [letter for letter in self.dead.get(topic, []) if letter.at >= since]

    def absent(self, groups: Iterable[str]) -> list[str]:
        return [group for group in groups if group in self.missing]


class Sender:
    """Delivers up to `limit` messages, then is out of reach."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.delivered: list[Outgoing] = []
        self._sent: list[Outgoing] = []

    def send(self, message: Outgoing) -> None:
        self._sent.append(message)

    def flush(self) -> None:
        room = None if self.limit is None else self.limit - len(self.delivered)
        self.delivered += self._sent[:room]
        complete = room is None or len(self._sent) <= room
        self._sent = []
        if not complete:
            raise BrokenError("the broker is out of reach")


class Mailer:
    def __init__(self) -> None:
        self.down = False
        self.asked = 0
        self.sent: list[tuple[str, str, str]] = []

    def send(self, name: str, subject: str, text: str) -> None:
        self.asked += 1
        if self.down:
            raise MailError("mail.example:25: connection refused")
        self.sent.append((name, subject, text))


class Post:
    def __init__(self, letters: Iterable[Letter], now: datetime) -> None:
        self.due = {letter.id: now for letter in letters}
        self.errors: list[str] = []
        self._letters = {letter.id: letter for letter in letters}
        self._attempts = dict.fromkeys(self._letters, 0)

    def waiting(self, now: datetime, limit: int) -> Sequence[tuple[Letter, int]]:
        names = [name for name, at in self.due.items() if at <= now][:limit]
        return [(self._letters[name], self._attempts[name]) for name in names]

    def delivered(self, letters: Sequence[Letter], now: datetime) -> None:
        for letter in letters:
            del self.due[letter.id]

    def postpone(self, letter: Letter, until: datetime, error: str) -> None:
        self.due[letter.id] = until
        self._attempts[letter.id] += 1
        self.errors.append(error)
