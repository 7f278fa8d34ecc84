"""Which runs are pruned; the rest is in tests/integration/test_prune.py."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.prune import Keep, keep_of
from services.scheduler.core.run import Run
from services.scheduler.core.run_states import State
from tests.unit.scheduler.fakes import START, planned


def ended(number: int, days: int, **given: object) -> Run:
    """A closed run that ended so many days ago."""
    at = START - timedelta(days=days)
    return planned(**{"id": number, "state": State.GRADED, "finished_at": at, **given})


RUNS = [
    planned(id=9),
    ended(8, 0),
    ended(7, 3),
    ended(6, 20, pruned_at=START),
    ended(5, 30),
    ended(4, 90),
]


@pytest.mark.parametrize(
    ("keep", "doomed"),
    [
        ("0", [8, 7, 5, 4]),
        ("1", [7, 5, 4]),
        ("3", [4]),
        ("4", []),
        ("99", []),
        ("0d", [7, 5, 4]),
        ("3d", [5, 4]),
        ("30d", [4]),
        ("90d", []),
    ],
)
def test_open_runs_stay_and_what_is_pruned_does_not_count(keep: str, doomed: list[int]) -> None:
    assert [run.id for run in keep_of(keep).doomed(RUNS, START)] == doomed


@given(st.text(max_size=12))
def test_whatever_is_said_is_understood_or_refused(said: str) -> None:
    try:
        keep = keep_of(said)
    except ValueError as error:
        assert "neither a number of runs (30) nor of days (90d)" in str(error)
    else:
        assert said in (f"{said.rstrip('d')}", f"{said.rstrip('d')}d")
        assert keep == Keep(int(said.rstrip("d")), said.endswith("d"))
