"""Runs as they come out of the database."""

from dataclasses import asdict

from services.scheduler.adapters.runs import run_of
from tests.unit.scheduler.fakes import planned


def test_the_graders_stand_in_the_order_of_the_sections_and_none_is_forgotten() -> None:
    """A newer release may have planned the run, with a grader that this one does not know."""
    row = asdict(planned()) | {"graders": ("dane", "mx", "spf")}
    assert run_of(row).graders == ("spf", "mx", "dane")
