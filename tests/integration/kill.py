"""Kill one of everything with SIGKILL during a run, and compare with an undisturbed run.

By hand, for many sites: `python -m tests.integration.kill --sites 2000 --seed 1`.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, func, select

from deploy.local.process import LocalError
from services.common.messages.topics import SCAN_REQUESTS
from services.common.store.tables import run_windows, runs, site_runs
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.scheduler.core.run_states import CLOSED, State
from tests.integration.pipeline import Machine, differences, machine, rows_of

BUNDLED_SITES = 450
"""The bundled world has a few more."""
LATER = ("scanner-1", "processor-1", "grader-spf", "kafka")
POLL = 0.005
SLICE = 0.002
RUN_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Kill:
    """`after` is how far the run was: batches sent for the scheduler, else sites stored."""

    name: str
    after: int


@dataclass(frozen=True, slots=True)
class Outcome:
    sites: int
    kills: tuple[Kill, ...]
    differences: tuple[str, ...]
    verified: str


def disturb(to: Machine, seed: int) -> Outcome:
    """Two runs over the imported list: one in peace, one in which everything is killed once."""
    with to.connect() as connection:
        peaceful = to.start_run("--batch-size", "1")
        _wait(lambda: _state(connection, peaceful) in CLOSED, "the undisturbed run")
        disturbed = to.start_run("--batch-size", "1")
        kills = [_kill_publishing(to, connection, disturbed)]
        sites = len(rows_of(connection, peaceful)["run_sites"])
        kills += _kill_later(to, connection, disturbed, sites, random.Random(seed))
        _wait(lambda: _state(connection, disturbed) in CLOSED, "the disturbed run")
        found = differences(rows_of(connection, peaceful), rows_of(connection, disturbed))
    verified = to.dnstats("runs", "verify", str(disturbed))
    return Outcome(sites, tuple(kills), tuple(found), verified)


def _kill_publishing(to: Machine, connection: Connection, run: int) -> Kill:
    """The scheduler, once batches are out and before it has noted that all are. It is let go on
    in slices, for it publishes faster than anybody can look. Raises LocalError where it got away.
    """
    topics = Offsets(Broker(to.bootstrap))
    scheduler = to.pid("scheduler")
    _wait(lambda: _state(connection, run) is not State.PLANNED, "the run to be published", 0.001)
    os.kill(scheduler, signal.SIGSTOP)
    while not (sent := _sent(topics, connection, run)):
        os.kill(scheduler, signal.SIGCONT)
        time.sleep(SLICE)
        os.kill(scheduler, signal.SIGSTOP)
    os.kill(scheduler, signal.SIGKILL)
    if _state(connection, run) is not State.PUBLISHING:
        raise LocalError("the scheduler had published everything before it could be killed")
    return Kill("scheduler", sent)


def _kill_later(
    to: Machine, connection: Connection, run: int, sites: int, chance: random.Random
) -> list[Kill]:
    """The others in random order, at random points of the run's first three quarters."""
    names = list(LATER)
    chance.shuffle(names)
    points = sorted(chance.uniform(0.05, 0.75) * sites for _ in names)
    kills = []
    for name, point in zip(names, points, strict=True):
        _wait(partial(_has_stored, connection, run, point), f"{point:.0f} sites")
        kills.append(Kill(name, _stored(connection, run)))
        os.kill(to.pid(name), signal.SIGKILL)
    return kills


def _state(connection: Connection, run: int) -> State:
    state = connection.execute(select(runs.c.state).where(runs.c.id == run)).scalar_one()
    connection.rollback()
    return State(state)


def _has_stored(connection: Connection, run: int, sites: float) -> bool:
    return _stored(connection, run) >= sites


def _stored(connection: Connection, run: int) -> int:
    query = select(func.count()).select_from(site_runs).where(site_runs.c.run_id == run)
    number = connection.scalar(query) or 0
    connection.rollback()
    return number


def _sent(topics: Offsets, connection: Connection, run: int) -> int:
    windows = run_windows.c
    start = connection.scalar(
        select(func.sum(windows.start_offset)).where(
            windows.run_id == run, windows.topic == SCAN_REQUESTS
        )
    )
    connection.rollback()
    return 0 if start is None else sum(topics.ends(SCAN_REQUESTS).values()) - int(start)


def _wait(done: Callable[[], bool], what: str, pause: float = POLL) -> None:
    deadline = time.monotonic() + RUN_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise LocalError(f"waited {RUN_SECONDS:.0f} s for {what}")
        time.sleep(pause)


def main() -> None:
    parser = argparse.ArgumentParser(prog="kill", description=__doc__)
    parser.add_argument("--sites", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dnstats-kill-") as folder:
        scale = -(-options.sites // BUNDLED_SITES)
        with machine(Path(folder), scale) as to:
            to.import_list(options.sites)
            outcome = disturb(to, options.seed)
    for kill in outcome.kills:
        print(f"killed {kill.name} after {kill.after}")
    print(outcome.verified)
    print(f"{outcome.sites} sites: {len(outcome.differences)} differences")
    print("\n".join(outcome.differences[:50]))
    sys.exit(bool(outcome.differences))


if __name__ == "__main__":
    main()
