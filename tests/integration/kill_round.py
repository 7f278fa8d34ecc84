"""One run in peace, and runs in which processes are killed as planned."""

import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import text

from deploy.local.process import LocalError
from services.scheduler.core.run_states import State
from tests.integration.kill_plan import KINDS, Plan
from tests.integration.pipeline import Deaths, Machine, Rows, differences, rows_of
from tests.integration.progress import Progress, Repeated, eventually

SLICE = 0.002
LOOK = 0.001
KILLED = -int(signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Hit:
    """A kill that was done; `at` is the share of the run by then."""

    name: str
    at: float


@dataclass(frozen=True, slots=True)
class Round:
    plan: Plan
    run: int
    hits: tuple[Hit, ...]
    deaths: Deaths
    """What the supervisor saw end."""
    seconds: float
    repeated: Repeated
    faults: tuple[str, ...]
    """What is wrong with it, a line each."""

    @property
    def other_deaths(self) -> int:
        """Processes that ended by themselves."""
        return sum(number for (_, status), number in self.deaths.items() if status != KILLED)


def undisturbed(to: Machine, progress: Progress) -> Rows:
    """What a run leaves behind that nothing disturbs."""
    run = to.start_run()
    settle(to, progress, run)
    return _rows(to, run)


def disturbed(to: Machine, progress: Progress, planned: Plan, reference: Rows) -> Round:
    """Raises LocalError where the run does not close."""
    before, letters = to.deaths(), progress.dead_letters()
    began = time.monotonic()
    scheduler = to.pid("scheduler")
    os.kill(scheduler, signal.SIGSTOP)
    run = to.start_run("--batch-size", str(planned.batch_size))
    hits = [_kill_publishing(to, progress, planned, run, scheduler)]
    hits += _kill_later(to, progress, planned, run)
    settle(to, progress, run)
    seconds = time.monotonic() - began
    deaths = to.deaths() - before
    faults = [*_unseen(planned.names, deaths), *faults_of(to, progress, run, reference)]
    if new := progress.dead_letters() - letters:
        faults.append(f"{new} dead letters")
    again = progress.repeated(run)
    return Round(planned, run, tuple(hits), deaths, seconds, again, tuple(faults))


def settle(to: Machine, progress: Progress, run: int) -> None:
    """Return once the run is closed, and everything is up again."""
    eventually(lambda: progress.run(run).closed, f"run {run} to close")
    for name in (name for kind in KINDS for name in kind):
        eventually(partial(_lives, to, name), f"{name} to live")
    eventually(
        lambda: progress.run(run).closed and progress.dead_letters() >= 0,
        "broker and database to answer",
    )


def faults_of(to: Machine, progress: Progress, run: int, reference: Rows) -> list[str]:
    """What is wrong with a closed run, a line each: its state, its books, rows unlike the
    reference."""
    state = progress.run(run).state
    faults = [] if state is State.GRADED else [f"the run is {state}"]
    try:
        to.dnstats("runs", "verify", str(run))
    except LocalError as error:
        faults.append(str(error))
    return faults + differences(reference, _rows(to, run))


def _kill_publishing(
    to: Machine, progress: Progress, planned: Plan, run: int, scheduler: int
) -> Hit:
    """The scheduler, which stands still, once so many batches are out and before it has noted
    that. It is let go on in slices, for it publishes faster than anybody can look, and its run is
    held so that it cannot move on. Where that comes too late it dies at once."""

    def has_started() -> bool:
        _let_go_on(scheduler)
        return progress.run(run).state is not State.PLANNED

    eventually(has_started, f"run {run} to start", 0.0)
    with to.connect() as connection:
        hold = "SELECT state FROM runs WHERE id = :run FOR NO KEY UPDATE SKIP LOCKED"
        if connection.scalar(text(hold), {"run": run}) == State.PUBLISHING:
            started = progress.run(run)
            while progress.published(started) < planned.publishing:
                _let_go_on(scheduler)
        os.kill(scheduler, signal.SIGKILL)
    return Hit("scheduler", progress.share(run))


def _let_go_on(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)
    time.sleep(SLICE)
    os.kill(pid, signal.SIGSTOP)


def _kill_later(to: Machine, progress: Progress, planned: Plan, run: int) -> list[Hit]:
    hits: list[Hit] = []
    share = 0.0

    def has_come(at: float) -> bool:
        nonlocal share
        share = progress.share(run)
        return share >= at

    for kill in planned.later:
        if share < kill.at:
            eventually(partial(has_come, kill.at), f"{kill.at:.0%} of run {run}", LOOK)
        _kill(to, kill.name)
        hits.append(Hit(kill.name, share))
    return hits


def _kill(to: Machine, name: str) -> None:
    """As soon as the process lives; return when it does not, for the next may be itself."""
    eventually(partial(_lives, to, name), f"{name} to live", LOOK)
    victim = to.pid(name)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: to.living(name) != victim, f"{name} to die", LOOK)


def _lives(to: Machine, name: str) -> bool:
    return to.living(name) is not None


def _rows(to: Machine, run: int) -> Rows:
    with to.connect() as connection:
        return rows_of(connection, run)


def _unseen(names: Sequence[str], deaths: Deaths) -> list[str]:
    """Whether each kill hit a live process: the supervisor saw them end."""
    killed = Counter(names)
    seen = Counter({name: number for (name, status), number in deaths.items() if status == KILLED})
    return [] if killed == seen else [f"killed {dict(killed)}, ended by SIGKILL {dict(seen)}"]
