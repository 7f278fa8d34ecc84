"""A run in the middle of which something goes wrong, and what it made of that."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from deploy.local.process import LocalError
from services.common.messages.topics import GRADE_REQUESTS, SCAN_RESULTS, TOPICS, dead_letter
from services.common.store import outcomes, runs
from services.common.store.tables import run_windows
from services.common.stream.offsets import Offsets
from services.scheduler.core.run_states import CLOSED, State
from tests.integration.faults.groups import incomplete
from tests.integration.faults.kinds import Fault
from tests.integration.faults.rig import Rig
from tests.integration.pipeline import Rows, differences, rows_of
from tests.integration.streams import until

BEGUN = 0.1
"""The part of a run's sites that are stored when the fault happens."""
RUN_SECONDS = 180.0
WHOLE_SECONDS = 60.0
POLL = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """`to_go_on` are the seconds from the fault's end to the next SiteRun; None where the others
    had stored all meanwhile."""

    seconds: float
    pending: int
    to_go_on: float | None
    repeated_scans: int
    repeated_requests: int
    deaths: Mapping[str, int]
    wrong: tuple[str, ...]


def peaceful(rig: Rig) -> tuple[int, Rows]:
    """A run in which nothing goes wrong, and its rows."""
    run = rig.machine.start_run("--batch-size", "1")
    until(lambda: _state(rig, run) in CLOSED, RUN_SECONDS)
    with rig.connect() as connection:
        return run, rows_of(connection, run)


def endure(rig: Rig, fault: Fault, seconds: float, reference: Rows) -> Outcome:
    """`wrong` is empty where the run ended as if nothing had happened."""
    sites = len(reference["run_sites"])
    before = rig.deaths()
    run = rig.machine.start_run("--batch-size", "1")
    with rig.last_words():
        until(lambda: _stored(rig, run) >= BEGUN * sites, RUN_SECONDS)
        fault.happen(rig, seconds)
        stored, to_go_on = _stored(rig, run), None
        if stored < sites:
            to_go_on = until(lambda: _stored(rig, run) > stored, RUN_SECONDS)
        until(lambda: _state(rig, run) in CLOSED, RUN_SECONDS)
    deaths = rig.deaths() - before
    wrong = [*_wrong(rig, run, reference), *_restarted(deaths, fault)]
    return Outcome(
        seconds,
        sites - stored,
        to_go_on,
        _messages(rig, run, SCAN_RESULTS) - sites,
        _messages(rig, run, GRADE_REQUESTS) - sites,
        deaths,
        tuple(wrong),
    )


def _wrong(rig: Rig, run: int, reference: Rows) -> list[str]:
    """Of a closed run and of the machine after it."""
    state = _state(rig, run)
    found = [] if state is State.GRADED else [f"the run is {state}"]
    with rig.connect() as connection:
        found += differences(reference, rows_of(connection, run))
    try:
        rig.machine.dnstats("runs", "verify", str(run))
    except LocalError as error:
        found.append(str(error))
    found += dead_letters(rig)
    try:
        until(lambda: not incomplete(rig.broker), WHOLE_SECONDS)
    except AssertionError:
        found += incomplete(rig.broker)
    return found


def dead_letters(rig: Rig) -> list[str]:
    """How many there are by topic, in words."""
    offsets = Offsets(rig.broker)
    numbers = {name: sum(offsets.ends(dead_letter(name)).values()) for name in TOPICS}
    return [f"{number} dead letters of {name}" for name, number in numbers.items() if number]


def _restarted(deaths: Mapping[str, int], fault: Fault) -> list[str]:
    """Services that should have waited."""
    expected = Counter(fault.ends)
    return [f"{name} ended {number} times" for name, number in (Counter(deaths) - expected).items()]


def _state(rig: Rig, run: int) -> State:
    with rig.connect() as connection:
        return State((runs.load(connection, run) or {})["state"])


def _stored(rig: Rig, run: int) -> int:
    with rig.connect() as connection:
        return outcomes.stored(connection, run)


def _messages(rig: Rig, run: int, topic: str) -> int:
    """In the run's window."""
    window = run_windows.c
    size = func.sum(window.end_offset - window.start_offset)
    with rig.connect() as connection:
        found = connection.scalar(select(size).where(window.run_id == run, window.topic == topic))
    return int(found or 0)
