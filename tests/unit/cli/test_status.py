"""Rates, times left and the slowest stage, from counts at two moments."""

from services.cli.status import slowest_of, stages_of

BEFORE = {"published": 1000, "scanned": 400, "processed": 300, "spf": 300, "mx": 100}
AFTER = {"published": 1000, "scanned": 500, "processed": 420, "spf": 420, "mx": 100}


def test_rates_waiting_and_time_left() -> None:
    found = {stage.name: stage for stage in stages_of(1000, BEFORE, AFTER, 2.0)}
    assert found["scanned"].rate == 50
    assert found["scanned"].waiting == 500
    assert found["scanned"].seconds_left == 10
    assert found["processed"].waiting == 80
    assert found["spf"].waiting == 0


def test_a_stage_that_stands_still_has_no_time_left() -> None:
    found = {stage.name: stage for stage in stages_of(1000, BEFORE, AFTER, 2.0)}
    assert found["mx"].seconds_left is None
    assert found["mx"].waiting == 320


def test_the_slowest_stage_is_where_most_waits() -> None:
    assert slowest_of(stages_of(1000, BEFORE, AFTER, 2.0)) == "scanned"
    done = dict.fromkeys(AFTER, 1000)
    assert slowest_of(stages_of(1000, done, done, 2.0)) is None
