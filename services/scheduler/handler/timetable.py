"""What cron starts: the import of the list and the run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.scheduler.core import mails
from services.scheduler.core.schedule import due
from services.scheduler.handler.ports import Clock, ListError, OpenRunError, Plans

RETRY = timedelta(minutes=1)
"""After a start that was refused: a run is still open, a list cannot be had."""


@dataclass(frozen=True, slots=True)
class Job:
    """`start` gets the time at which it was due, and raises OpenRunError or ListError where it
    cannot be done now. It may get the same time twice."""

    expression: str
    start: Callable[[datetime], object]


@dataclass(frozen=True, slots=True)
class _Refusal:
    until: datetime
    reason: str


class Timetable:
    def __init__(self, plans: Plans, jobs: Mapping[str, Job], clock: Clock) -> None:
        self._plans = plans
        self._jobs = jobs
        self._clock = clock
        self._refused: dict[str, _Refusal] = {}

    def turn(self) -> None:
        """Start what is due. What was refused is tried again as long as it may be caught up;
        what came too late is mailed about."""
        for name, job in self._jobs.items():
            now = self._clock()
            refused = self._refused.get(name)
            if job.expression and (refused is None or refused.until <= now):
                self._turn(name, job, now)

    def _turn(self, name: str, job: Job, now: datetime) -> None:
        found = due(job.expression, self._plans.handled_until(name, now), now)
        if not (found.start or found.missed):
            return
        try:
            if found.start:
                job.start(found.start)
        except (OpenRunError, ListError) as error:
            self._refused[name] = _Refusal(now + RETRY, str(error))
            return
        refused = self._refused.pop(name, None)
        letters = []
        if found.missed:
            reason = refused.reason if refused else "no scheduler was at work"
            letters.append(mails.missed(name, found.missed, reason))
        self._plans.handle_until(name, now, letters)
