"""A regrade from its start to its end: what `dnstats regrade` and `dnstats diff` do."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy import Connection

from services.cli.access import Access, now
from services.cli.workers import work
from services.common.messages.envelope import BrokenError
from services.common.messages.run_event import RunEvent
from services.common.messages.window import Window
from services.common.reference.bundle import VERSION
from services.common.store import generations, outbox, regrade_counts, regrades, replays
from services.common.store.regrades import Plan, Regrade
from services.common.stream import replay
from services.common.stream.offsets import Offsets
from services.grader.core.catalogue import GRADERS
from services.scheduler.adapters.transaction import transaction
from services.scheduler.core.letters import letter_id, microseconds
from services.scheduler.core.run import Run


class BadRegradeError(ValueError):
    """What was asked for cannot be regraded; the text says why."""


def graders_of(given: Sequence[str], run: Run) -> tuple[str, ...]:
    """The graders to judge with, from options that may hold several with commas: without any, all
    that the run has grades to expect from. Raises BadRegradeError."""
    named = {name.strip() for option in given for name in option.split(",")}
    unknown = sorted(named - GRADERS.keys())
    if unknown:
        known = ", ".join(GRADERS)
        raise BadRegradeError(f"no grader is called {unknown[0] or repr('')}; there are {known}")
    wanted = named or set(run.graders)
    return tuple(name for name in GRADERS if name in wanted)


def planned(
    connection: Connection, run: Run, graders: Sequence[str], *, shadow: bool, force: bool
) -> tuple[Plan, Window]:
    """What is to be judged, and the grade requests. Raises BadRegradeError, NoWindowError."""
    if not run.closed:
        raise BadRegradeError(
            f"run {run.id} is open ({run.state}): regrade it when it is closed, or close it with "
            "`dnstats runs cancel`"
        )
    if run.pruned_at is not None:
        raise BadRegradeError(f"run {run.id} was pruned: its grades are gone")
    generation, window = generations.newest_window(connection, run.id)
    if not window.size:
        raise BadRegradeError(f"run {run.id} has no grade requests: there is nothing to judge")
    versions = {name: GRADERS[name].version for name in graders}
    return Plan(run.id, generation, versions, VERSION, shadow, force), window


def regrade(
    at: Access,
    run: Run,
    graders: Sequence[str],
    *,
    shadow: bool = False,
    force: bool = False,
    workers: int = 1,
    rate: float = 0.0,
) -> Regrade:
    """Judge a run again and wait for the end of it; an unfinished regrade of the same plan is
    gone on with. `rate` is sites a second for all workers together, 0 for no cap. Raises
    BadRegradeError, NoWindowError, ExpiredError, BrokenError, and SystemExit where the workers
    end before all is done."""
    offsets = Offsets(at.broker)
    with transaction(at.engine) as connection:
        plan, window = planned(connection, run, graders, shadow=shadow, force=force)
    replay.check(offsets, window)
    with transaction(at.engine) as connection:
        begun = regrades.begin(connection, plan, now())
    replay.begin(offsets, window, begun.replay)
    command = [sys.executable, "-m", "services.grader.replay", str(begun.id)]
    if rate:
        command += ["--rate", str(rate / workers)]

    def progress() -> tuple[int, int]:
        """Others that work on the same regrade may finish it, and forget the group."""
        with transaction(at.engine) as connection:
            known = regrades.load(connection, begun.id)
        if known and known.finished_at:
            return window.size, window.size
        return window.done(offsets.committed(begun.replay, window.topic)), window.size

    work(command, workers, progress, "judging")
    ended = _close(at, run, begun)
    # Workers of another host may not have left yet: their starter forgets the group.
    with suppress(BrokenError):
        replay.forget(at.broker, begun.replay)
    return ended


def _close(at: Access, run: Run, begun: Regrade) -> Regrade:
    """Note the end, once: of several that worked on it one does it."""
    at_once = now()
    with transaction(at.engine) as connection:
        if regrades.finish(connection, begun.id, at_once) and not begun.plan.shadow:
            regrades.account(connection, begun.plan)
            event = _event(connection, run, begun, at_once)
            outbox.put(connection, event.event_id, "event", asdict(event), at_once)
        ended = regrades.load(connection, begun.id)
    return ended or replace(begun, finished_at=at_once)


def _event(connection: Connection, run: Run, begun: Regrade, at: datetime) -> RunEvent:
    counts = {"sites": run.sites, "failed": replays.count_failures(connection, begun.replay)}
    for grader, number in regrade_counts.by_grader(connection, begun.id).items():
        counts[f"changed_{grader}"] = number
    return RunEvent(
        letter_id(f"event {run.id} {begun.replay}"),
        run.id,
        "regraded",
        microseconds(at),
        counts,
        {"regraded": (at - begun.created_at).total_seconds()},
        begun.replay,
    )
