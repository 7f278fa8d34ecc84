from dataclasses import replace

from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS
from services.scheduler.core.accounts import Account, Books, differences
from services.scheduler.core.run_states import State
from tests.unit.scheduler.fakes import planned

GRADED = planned(
    state=State.GRADED,
    sites=10,
    graders=("spf",),
    starts={SCAN_RESULTS: {0: 100, 1: 0}},
    ends={SCAN_REQUESTS: {0: 3}, SCAN_RESULTS: {0: 108, 1: 0}, GRADE_REQUESTS: {0: 9}},
)
RIGHT = Books(
    sites=Account(expected=10, stored=8, failed=2, missing=()),
    graders={"spf": Account(expected=8, stored=7, failed=1, missing=())},
    strangers=(),
    sources={0: (100, 107)},
    positions={
        ("scanner", SCAN_REQUESTS): {0: 3},
        ("processor", SCAN_RESULTS): {0: 108, 1: 0},
        ("grader-spf", GRADE_REQUESTS): {0: 12},
    },
)


def test_right_books_have_no_differences() -> None:
    assert differences(GRADED, RIGHT) == []


def test_an_open_run_cannot_be_verified() -> None:
    run = replace(GRADED, state=State.SCANNED)
    assert differences(run, RIGHT) == ["run 7 is not closed: it is scanned"]


def test_a_site_that_is_neither_stored_nor_failed_is_named() -> None:
    books = replace(RIGHT, sites=Account(10, 7, 2, ("lost.test",)))
    assert differences(GRADED, books) == [
        "SiteRuns: 10 expected, 7 stored and 2 failed; missing: lost.test"
    ]


def test_a_missing_grade_is_named_by_grader_and_few_domains() -> None:
    missing = [f"{letter}.test" for letter in "abcdefg"]
    books = replace(RIGHT, graders={"spf": Account(8, 1, 0, missing)})
    assert differences(GRADED, books) == [
        "spf grades: 8 expected, 1 stored and 0 failed; "
        "missing: a.test, b.test, c.test, d.test, e.test and 2 more"
    ]


def test_more_rows_than_sites_are_a_difference() -> None:
    books = replace(RIGHT, sites=Account(10, 9, 2, ()), strangers=("stranger.test",))
    assert differences(GRADED, books) == [
        "SiteRuns: 10 expected, 9 stored and 2 failed",
        "SiteRuns of sites outside the run: stranger.test",
    ]


def test_sites_that_the_run_was_not_told_of_are_a_difference() -> None:
    assert differences(replace(GRADED, sites=11), RIGHT) == [
        "the run says 11 sites and was made of 10"
    ]


def test_site_runs_from_outside_the_window_are_a_difference() -> None:
    books = replace(RIGHT, sources={0: (99, 107), 1: (0, 0)})
    assert differences(GRADED, books) == [
        "SiteRuns are from offsets 99 to 107 of scan-results[0], the window is 100 to 108",
        "SiteRuns are from offsets 0 to 0 of scan-results[1], the window is 0 to 0",
    ]


def test_a_grader_that_judged_by_a_regrade_needs_no_barrier() -> None:
    own = {place: at for place, at in RIGHT.positions.items() if place[0] != "grader-spf"}
    assert len(own) < len(RIGHT.positions)
    assert differences(GRADED, replace(RIGHT, positions=own)) == []


def test_a_barrier_that_is_not_passed_is_a_difference_of_a_finished_run_only() -> None:
    books = replace(RIGHT, positions={**RIGHT.positions, ("grader-spf", GRADE_REQUESTS): {0: 7}})
    assert differences(GRADED, books) == [
        "grader-spf has 2 messages of grade-requests still to read"
    ]
    assert differences(replace(GRADED, state=State.INCOMPLETE), books) == []
