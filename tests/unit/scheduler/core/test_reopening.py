from datetime import timedelta

import pytest

from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS
from services.scheduler.core.reopening import back, refusal
from services.scheduler.core.run import Run
from services.scheduler.core.run_states import State
from tests.unit.scheduler.fakes import START, planned


def _run(state: State = State.GRADED, **given: object) -> Run:
    times = dict.fromkeys(["started_at", "queued_at", "scanned_at", "processed_at"], START)
    return planned(**{"state": state, "deadline": START, "finished_at": START, **times, **given})


@pytest.mark.parametrize(
    ("topics", "state", "renewed", "forgotten"),
    [
        ([GRADE_REQUESTS], State.SCANNED, (GRADE_REQUESTS,), ()),
        ([SCAN_RESULTS], State.SCANNED, (SCAN_RESULTS,), (GRADE_REQUESTS,)),
        ([SCAN_REQUESTS], State.QUEUED, (SCAN_REQUESTS,), (SCAN_RESULTS, GRADE_REQUESTS)),
        (
            [GRADE_REQUESTS, SCAN_RESULTS],
            State.SCANNED,
            (SCAN_RESULTS,),
            (GRADE_REQUESTS,),
        ),
    ],
)
def test_a_finished_run_goes_back_to_the_first_of_the_topics(
    topics: list[str], state: State, renewed: tuple[str, ...], forgotten: tuple[str, ...]
) -> None:
    found = back(_run(), topics)
    assert (found.state, found.renewed, found.forgotten) == (state, renewed, forgotten)
    assert found.times["finished_at"] is None


def test_times_of_barriers_that_are_to_be_passed_again_are_forgotten() -> None:
    assert back(_run(), [GRADE_REQUESTS]).times == {"finished_at": None}
    assert set(back(_run(), [SCAN_RESULTS]).times) == {
        "finished_at",
        "processed_at",
        "archived_at",
    }
    assert set(back(_run(), [SCAN_REQUESTS]).times) == {
        "finished_at",
        "scanned_at",
        "processed_at",
        "archived_at",
    }


def test_a_run_that_was_closed_early_waits_for_what_it_waited_for_then() -> None:
    unscanned = _run(State.INCOMPLETE, scanned_at=None, processed_at=None)
    found = back(unscanned, [GRADE_REQUESTS])
    assert (found.state, found.renewed) == (State.QUEUED, ())
    assert found.forgotten == (SCAN_RESULTS, GRADE_REQUESTS)
    unprocessed = _run(State.INCOMPLETE, processed_at=None)
    assert back(unprocessed, [GRADE_REQUESTS]).forgotten == (GRADE_REQUESTS,)
    assert back(unprocessed, [SCAN_RESULTS]).renewed == (SCAN_RESULTS,)


def test_an_open_run_stays_where_it_is_unless_its_barrier_was_passed() -> None:
    publishing = _run(State.PUBLISHING, queued_at=None, scanned_at=None, processed_at=None)
    assert back(publishing, [SCAN_REQUESTS]).state is State.PUBLISHING
    queued = _run(State.QUEUED, scanned_at=None, processed_at=None)
    assert back(queued, [SCAN_RESULTS]).state is State.QUEUED
    assert back(queued, [SCAN_REQUESTS]).renewed == (SCAN_REQUESTS,)


def test_what_cannot_be_reopened_says_why() -> None:
    other = planned(id=8, state=State.QUEUED, deadline=START + timedelta(hours=20))
    never = _run(State.CANCELLED, queued_at=None)
    assert refusal(None, 9, None) == "there is no run 9"
    assert "was pruned" in refusal(_run(pruned_at=START), 7, None)
    assert "never all out" in refusal(never, 7, None)
    assert refusal(_run(), 7, other) == (
        "run 7 is closed and cannot be reopened while run 8 is open: "
        "that ends by 2026-11-25 04:00:00 UTC at the latest"
    )
    assert refusal(_run(), 7, None) == ""
    open_run = _run(State.QUEUED, finished_at=None)
    assert refusal(open_run, 7, open_run) == ""
