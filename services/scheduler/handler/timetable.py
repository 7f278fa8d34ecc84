"""What cron starts: the import of the list and the run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.scheduler.core import mails
from services.scheduler.core.letters import Letter
from services.scheduler.core.schedule import due
from services.scheduler.handler.ports import Clock, ListError, OpenRunError, Plans


@dataclass(frozen=True, slots=True)
class Job:
    """`start` gets the time it was due; it raises OpenRunError or ListError where it cannot be
    done now, and may then be given up."""

    expression: str
    start: Callable[[datetime], object]


class Timetable:
    def __init__(self, plans: Plans, jobs: Mapping[str, Job], clock: Clock) -> None:
        self._plans = plans
        self._jobs = jobs
        self._clock = clock

    def turn(self) -> None:
        """Start what is due. What came too late, or cannot be done, is mailed about."""
        for name, job in self._jobs.items():
            if job.expression:
                self._turn(name, job)

    def _turn(self, name: str, job: Job) -> None:
        now = self._clock()
        found = due(job.expression, self._plans.handled_until(name, now), now)
        letters: list[Letter] = []
        if found.missed:
            letters.append(mails.missed(name, found.missed, "no scheduler was at work"))
        if found.start:
            letters += self._start(name, job, found.start)
        if found.start or found.missed:
            self._plans.handle_until(name, now, letters)

    def _start(self, name: str, job: Job, tick: datetime) -> list[Letter]:
        try:
            job.start(tick)
        except (OpenRunError, ListError) as error:
            return [mails.missed(name, [tick], str(error))]
        return []
