"""Which runs are pruned; the rest is in tests/integration/test_prune.py."""

import re
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


@given(st.integers(0, 999_999_999), st.booleans())
def test_numbers_of_runs_and_of_days_are_understood(number: int, days: bool) -> None:
    assert keep_of(f"{number}{'d' if days else ''}") == Keep(number, days)


@given(st.text(max_size=12).filter(lambda said: not re.fullmatch("[0-9]{1,9}d?", said)))
def test_everything_else_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match=r"neither a number of runs \(30\) nor of days \(90d\)"):
        keep_of(said)
