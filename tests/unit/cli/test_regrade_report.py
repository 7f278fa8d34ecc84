"""What `dnstats regrade` says; the command itself is in tests/integration."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.cli import regrade_report
from services.common.store.regrades import Plan, Regrade

BEGAN = datetime(2026, 11, 24, 8, tzinfo=UTC)
REGRADE = Regrade(
    4,
    Plan(7, 0, {"spf": 3, "dmarc": 2}, 1, shadow=True, force=False),
    BEGAN,
    BEGAN + timedelta(seconds=90),
)
SAID: dict[str, Any] = regrade_report.summary(REGRADE) | {
    "changes": [
        {
            "grader": "spf",
            "grades": 998_000,
            "changed": 12_431,
            "added": 0,
            "up": 31,
            "down": 12_000,
            "withheld": 300,
            "determined": 2,
            "remarks_only": 98,
            "mean_before": 61.25,
            "mean_after": 59.5,
        },
        {
            "grader": "dmarc",
            "grades": 0,
            "changed": 5,
            "added": 5,
            "up": 0,
            "down": 0,
            "withheld": 0,
            "determined": 0,
            "remarks_only": 0,
            "mean_before": None,
            "mean_after": 10.0,
        },
    ],
    "causes": [
        {"grader": "spf", "causes": ["grader"], "grades": 12_400},
        {"grader": "spf", "causes": ["evidence", "grader"], "grades": 30},
        {"grader": "spf", "causes": [], "grades": 1},
    ],
    "remarks": [
        {
            "grader": "spf",
            "way": "gained",
            "tag": "SPF_TOO_MANY_DNS_LOOKUPS",
            "sites": 12_000,
            "down": 12_000,
            "up": 0,
            "examples": [
                {"domain": "a.test", "before": 90, "after": 0},
                {"domain": "b.test", "before": None, "after": 0},
                {"domain": f"{'x' * 60}.test", "before": 5, "after": 5},
            ],
        }
    ],
    "failed": 12,
    "failures": [
        {"grader": "grader-spf", "domain": "", "reason": "cut off or damaged: EOFError"},
        {"grader": "grader-spf", "domain": "c.test", "reason": "failed " * 20},
    ],
}


def test_a_report_says_all_that_matters_in_80_columns() -> None:
    shown = regrade_report.text(SAID)
    assert max(map(len, shown.splitlines())) <= 80
    for said in (
        "Shadow regrade 4 of run 7, took 1 min 30 s\n",
        "\nspf           3   998,000    12,431        31    12,000   61.2 -> 59.5\n",
        "newly withheld 300, no longer withheld 2, other remarks only 98",
        "none -> 10.0\n        graded for the first time 5\n",
        "12,400  grader\n",
        "30  evidence + grader\n",
        "1  NONE: was the version of spf not raised?\n",
        "gained   SPF_TOO_MANY_DNS_LOOKUPS                 12,000          0    12,000\n",
        "such as a.test 90 -> 0, b.test none -> 0, xxx",
        "12 could not be judged; their grades stay as they were\n",
        "grader-spf: unreadable: cut off or damaged: EOFError\n",
        "  and 10 more\n",
        "dnstats site a.test --run 7\n",
        "dnstats regrade 7 --grader dmarc,spf",
    ):
        assert said in shown


@pytest.mark.parametrize(
    ("shadow", "end"), [(True, "Nothing would change."), (False, "Nothing changed.")]
)
def test_where_nothing_is_different_that_is_all(shadow: bool, end: str) -> None:
    quiet = [row | {"changed": 0} for row in SAID["changes"]]
    said = SAID | {"changes": quiet, "causes": [], "remarks": [], "failed": 0, "failures": []}
    shown = regrade_report.text(said | {"shadow": shadow})
    assert shown.endswith(f"\n\n{end}")
    assert "why" not in shown


def test_a_regrade_for_good_proposes_no_other() -> None:
    shown = regrade_report.text(SAID | {"shadow": False, "generation": 2})
    assert shown.startswith("Regrade 4 of run 7 (generation 2), took ")
    assert "dnstats regrade 7" not in shown


def test_an_unfinished_regrade_says_how_to_go_on() -> None:
    shown = regrade_report.text(SAID | {"finished_at": None, "seconds": None})
    assert shown.startswith("Shadow regrade 4 of run 7, not finished\n")
    assert shown.endswith("again to go on.")


def test_a_long_report_is_cut_and_says_so() -> None:
    many = [deepcopy(SAID["remarks"][0]) for _ in range(regrade_report.KINDS + 7)]
    assert "and 7 more: --json has all" in regrade_report.text(SAID | {"remarks": many})


def test_a_line_of_the_list_names_versions_and_state() -> None:
    line = regrade_report.summary_line(REGRADE)
    assert line.split() == ["4", "7", "2026-11-24", "08:00", "shadow", "spf", "3,", "dmarc", "2"]
    assert len(line) <= 80
