"""What `dnstats runs` says; the commands on a real database are in tests/integration."""

from datetime import timedelta

from services.cli import run_report
from services.cli.run_progress import stages
from services.common.messages.topics import GRADE_REQUESTS, SCAN_RESULTS
from services.scheduler.core import accounts
from services.scheduler.core.accounts import Account, Books
from services.scheduler.core.estimate import estimate
from services.scheduler.core.run_states import State
from tests.unit.scheduler.fakes import LISTED, START, Topics, planned

SAID = {
    "run": 7,
    "state": "graded",
    "note": "",
    "pruned_at": None,
    "list": "K2VLW of 2026-11-24",
    "sites": 1000,
    "batches": 10,
    "batch_size": 100,
    "stored": 998,
    "seconds": {"published": 1.5, "scanned": 61.0},
    "failed": [{"stage": "scanner", "reason": "no scan result", "sites": 2}],
    "versions": [
        {
            "scanner_version": "0.1.0",
            "processor_version": 1,
            "reference_name": "world",
            "reference_version": 3,
            "sites": 998,
        }
    ],
    "graded": [
        {"grader": "spf", "grader_version": 2, "grades": 998, "withheld": 3, "points": 71.4},
        {"grader": "mx", "grader_version": 1, "grades": 998, "withheld": 998, "points": None},
    ],
    "letters": {"spf": {"A": 900, "F": 95, "none": 3}},
    "remarks": [{"tag": "SPF_TOO_MANY_DNS_LOOKUPS", "level": "error", "sites": 120}],
}
BOOKS = Books(Account(10, 8, 2, ()), {"spf": Account(8, 7, 0, ("a.test",))}, (), {}, {})


def test_a_run_is_shown_in_80_columns() -> None:
    shown = run_report.text(SAID)
    assert max(map(len, shown.splitlines())) <= 80
    for said in (
        "Run 7 is graded\n",
        "1,000 in 10 batches of 100",
        "2 in scanner: no scan result",
        "scanned   1 min 1 s",
        "spf       version 2: 998 grades, 3 withheld, mean 71",
        "mx        version 1: 998 grades, 998 withheld, mean -",
        "A 900  F 95  none 3",
        "120  error       SPF_TOO_MANY_DNS_LOOKUPS",
    ):
        assert said in shown


def test_a_summary_names_state_and_times() -> None:
    run = planned(
        state=State.INCOMPLETE,
        sites=5,
        started_at=START,
        queued_at=START + timedelta(seconds=90),
        note="its deadline passed",
    )
    said = run_report.summary(run)
    assert said["state"] == "incomplete"
    assert said["started_at"] == "2026-11-24T08:00:00+00:00"
    assert said["finished_at"] is None
    assert said["seconds"] == {"published": 90.0}
    assert "secret" not in str(said)
    line = run_report.summary_line(run)
    assert line.split() == ["7", "incomplete", "2026-11-24", "08:00", "5", "1", "min", "30", "s"]


def test_books_say_what_was_expected_and_what_is_wrong() -> None:
    said = run_report.books(planned(), BOOKS, ["spf grades: …; missing: a.test"])
    assert said["right"] is False
    assert said["graders"] == {"spf": {"expected": 8, "stored": 7, "failed": 0, "missing": 1}}
    shown = run_report.books_text(said)
    assert "sites         10 expected =         8 stored +       2 failed" in shown
    assert shown.endswith("the books are wrong:\n  spf grades: …; missing: a.test")
    right = run_report.books_text(run_report.books(planned(), BOOKS, []))
    assert right.endswith("the books are right")


def test_a_pruned_run_says_so_instead_of_wrong_books() -> None:
    run = planned(
        state=State.GRADED,
        sites=5,
        pruned_at=START,
        counts={"sites": 5, "withheld_spf": 1, "graded_spf": 4, "stored": 4},
    )
    assert accounts.differences(run, BOOKS) == []
    said = run_report.books(run, BOOKS, [])
    assert said["right"] is None
    assert run_report.books_text(said) == (
        "run 7 was pruned at 2026-11-24T08:00:00+00:00: nothing is left to recount"
    )
    assert run_report.summary_line(run).endswith(" 5  pruned")
    empty = {"versions": [], "graded": [], "letters": {}, "remarks": [], "stored": 0, "failed": []}
    shown = run_report.text(run_report.summary(run) | empty | {"list": None})
    assert shown.splitlines()[3:] == [
        "  pruned    2026-11-24T08:00:00+00:00: its rows are gone. Before:",
        "            4  stored",
        "            4  graded_spf",
        "            1  withheld_spf",
    ]


def test_a_plan_names_list_and_cost() -> None:
    cost = estimate(100, 30, [("Large", 90)], 1000, 100)
    assert run_report.plan(300, 100, LISTED, cost) == {
        "top": 300,
        "sites": 100,
        "list": "K2VLW of 2026-11-24",
        "questions": 3000,
        "hours": 27 / 3600,
        "slowest": [{"operator": "Large", "questions": 2700, "hours": 27 / 3600}],
    }


def test_stages_are_counted_from_the_windows_start() -> None:
    topics = Topics()
    topics.end = {SCAN_RESULTS: {0: 105, 1: 20}}
    topics.position = {"processor": {0: 103, 1: 20}, "grader-spf": {0: 4}, "grader-mx": {0: 2}}
    run = planned(
        sites=40,
        batch_size=10,
        batches=4,
        published_batches=4,
        starts={SCAN_RESULTS: {0: 100, 1: 0}, GRADE_REQUESTS: {0: 3, 1: 0}},
    )
    assert stages(run, topics) == {
        "published": 40,
        "scanned": 25,
        "processed": 23,
        "spf": 1,
        "mx": 0,
    }


def test_a_planned_run_has_done_nothing() -> None:
    assert set(stages(planned(), Topics()).values()) == {0}
