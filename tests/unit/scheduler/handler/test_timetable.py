from datetime import datetime

from services.scheduler.handler.ports import ListError
from services.scheduler.handler.timetable import Job, Timetable
from tests.unit.scheduler.fakes import START, Clock, Plans


class Starts:
    def __init__(self) -> None:
        self.at: list[datetime] = []
        self.fault = ""

    def __call__(self, tick: datetime) -> None:
        if self.fault:
            raise ListError(self.fault)
        self.at.append(tick)


def _timetable(plans: Plans, starts: Starts, clock: Clock) -> Timetable:
    return Timetable(plans, {"run": Job("0 8 * * *", starts), "never": Job("", starts)}, clock)


def test_a_new_scheduler_has_missed_nothing() -> None:
    plans, starts, clock = Plans(), Starts(), Clock()
    clock.advance(minutes=30)
    _timetable(plans, starts, clock).turn()
    assert not starts.at
    assert not plans.letters


def test_what_is_due_is_started_once() -> None:
    plans, starts, clock = Plans(), Starts(), Clock()
    clock.advance(seconds=-1)
    timetable = _timetable(plans, starts, clock)
    for _ in range(5):
        timetable.turn()
        clock.advance(seconds=1)
    assert starts.at == [START]


def test_a_start_missed_by_under_an_hour_is_caught_up_by_whoever_comes() -> None:
    plans, starts, clock = Plans(), Starts(), Clock()
    plans.handled = {"run": clock()}
    clock.advance(days=1, minutes=59)
    _timetable(plans, starts, clock).turn()
    assert [tick.hour for tick in starts.at] == [8]
    assert not plans.letters


def test_a_start_missed_by_more_is_mailed_once() -> None:
    plans, starts, clock = Plans(), Starts(), Clock()
    plans.handled = {"run": clock()}
    clock.advance(days=1, hours=2)
    timetable = _timetable(plans, starts, clock)
    timetable.turn()
    timetable.turn()
    assert not starts.at
    (letter,) = plans.letters
    assert letter.payload["subject"] == "[DNStats] CRITICAL Missed run"
    assert "no scheduler was at work\n2026-11-25 08:00:00 UTC" in letter.payload["text"]


def test_a_refused_start_is_tried_again_each_minute() -> None:
    plans, starts, clock = Plans(), Starts(), Clock()
    plans.handled = {"run": clock()}
    clock.advance(days=1)
    starts.fault = "the list cannot be had"
    timetable = _timetable(plans, starts, clock)
    timetable.turn()
    starts.fault = ""
    timetable.turn()
    assert not starts.at
    clock.advance(minutes=1)
    timetable.turn()
    assert len(starts.at) == 1
    assert not plans.letters


def test_a_start_refused_for_an_hour_is_mailed_with_the_reason() -> None:
    plans, starts, clock = Plans(), Starts(), Clock()
    plans.handled = {"run": clock()}
    clock.advance(days=1)
    starts.fault = "the list cannot be had"
    timetable = _timetable(plans, starts, clock)
    for _ in range(62):
        timetable.turn()
        clock.advance(minutes=1)
    assert [letter.payload["text"].count("the list cannot be had") for letter in plans.letters] == [
        1
    ]
