from datetime import UTC, datetime, timedelta

import pytest

from services.scheduler.core.schedule import BadScheduleError, Due, check, due

DAILY = "0 8 * * *"


def _at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


def test_nothing_is_due_between_two_ticks() -> None:
    assert due(DAILY, _at(24, 8), _at(25, 7, 59, 59)) == Due(None, ())


def test_a_tick_is_due_from_its_second_on() -> None:
    assert due(DAILY, _at(24, 7, 59), _at(24, 8)) == Due(_at(24, 8), ())


def test_a_tick_that_was_handled_is_not_due_again() -> None:
    assert due(DAILY, _at(24, 8), _at(24, 8, 0, 1)) == Due(None, ())


def test_a_start_missed_by_under_an_hour_is_caught_up() -> None:
    assert due(DAILY, _at(23, 9), _at(24, 8, 59, 59)) == Due(_at(24, 8), ())


def test_a_start_missed_by_an_hour_is_missed() -> None:
    assert due(DAILY, _at(23, 9), _at(24, 9)) == Due(None, (_at(24, 8),))


def test_of_several_ticks_only_the_last_can_be_caught_up() -> None:
    found = due(DAILY, _at(20, 9), _at(24, 8, 30))
    assert found == Due(_at(24, 8), (_at(21, 8), _at(22, 8), _at(23, 8)))


def test_ticks_more_often_than_hourly_do_not_pile_up() -> None:
    found = due("*/10 * * * *", _at(24, 8), _at(24, 8, 35))
    assert found == Due(_at(24, 8, 30), (_at(24, 8, 10), _at(24, 8, 20)))


def test_an_empty_expression_is_never_due() -> None:
    assert due("", _at(1, 0), _at(24, 0)) == Due(None, ())


def test_a_schedule_is_checked_before_it_is_used() -> None:
    assert check("1 1 * * *") == "1 1 * * *"
    assert check("") == ""
    for bad in ("8 o'clock", "61 * * * *", "* * *", "0 0 31 2 *"):
        with pytest.raises(BadScheduleError, match="is no cron expression"):
            check(bad)


def test_years_without_a_scheduler_are_no_endless_work() -> None:
    found = due("* * * * *", _at(1, 0) - timedelta(days=3650), _at(24, 0))
    assert len(found.missed) == 10_000
