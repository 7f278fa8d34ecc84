"""What `dnstats diff` says; how it counts is tested on a real database."""

import io
import json
from typing import Any

from rich.console import Console

from services.cli.diff_report import json_text
from services.cli.diff_text import show
from services.grader.core.attribution import Kind

EVEN = {
    "kind": "cancelled",
    "domain": "even.test",
    "old_standing": "points",
    "old_points": 80,
    "judged_standing": "points",
    "judged_points": 85,
    "new_standing": "points",
    "new_points": 80,
    "rule": 5,
    "world": -5,
    "rule_causes": ["grader", "reference"],
    "world_causes": ["evidence"],
}
LOST = EVEN | {
    "kind": "world",
    "domain": "a" * 63 + "." + "b" * 63 + ".test",
    "new_standing": "withheld",
    "new_points": None,
    "rule": None,
    "world": None,
    "rule_causes": [],
}
RULES = {"grader_version": 3, "reference_version": 1, "reference_name": "world"}
SPF: dict[str, Any] = {
    "rules": {"old": [RULES | {"grader_version": 2, "grades": 1000}], "new": RULES},
    "shadow": 7,
    "sites": 1000,
    "kinds": {str(kind): 0 for kind in Kind} | {"unchanged": 988, "cancelled": 2, "world": 10},
    "causes": {"rule": {"grader+reference": 2}, "world": {"evidence": 12}},
    "points": {
        "sites": 990,
        "old": 80_000,
        "judged": 80_010,
        "new": 79_000,
        "rule": 10,
        "world": -1010,
        "rule_up": 10,
        "rule_down": 0,
        "world_up": 90,
        "world_down": -1100,
        "means": {"old": 80.808, "judged": 80.818, "new": 79.798},
        "closes": True,
    },
    "transitions": [
        {
            "part": "world",
            "before": "points",
            "after": "withheld",
            "sites": 7,
            "examples": [{"domain": "lost.test", "before": 80, "after": None}],
        }
    ],
    "remarks": [
        {
            "part": "world",
            "tag": "SPF_PASS_ALL",
            "gained": 1200,
            "lost": 1,
            "gained_by": ["gained.test"],
            "lost_by": ["lost.test"],
        }
    ],
    "look_at": [EVEN, LOST],
}
RUN = {"state": "graded", "finished_at": "2026-11-24T07:51:02+00:00", "processor_versions": [1]}
SAID: dict[str, Any] = {
    "old": RUN | {"run": 1},
    "new": RUN | {"run": 2},
    "left": ["left.test"],
    "entered": [f"entered{number}.test" for number in range(9)],
    "graders": {"spf": SPF},
}


def shown(said: dict[str, Any]) -> str:
    console = Console(width=80, file=io.StringIO(), highlight=False)
    show(console, said)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_comparison_is_shown_in_80_columns() -> None:
    text = shown(SAID)
    assert max(map(len, text.splitlines())) <= 80
    for said in (
        "Run 1 compared with run 2\n",
        "entered   9 sites: entered0.test, entered1.test, entered2.test …",
        "SPF  version 2 → 3, reference data 1\n",
        "1,000 in both runs: 988 unchanged, 10 world, 2 cancelled\n",
        "rule      2 grades, by grader+reference 2\n",
        "990 sites: 80,000 + 10 rule - 1,010 world = 79,000\n",
        "80.81 → 80.82 → 79.80",
        "7 points → withheld (world): lost.test (80)\n",
        "+1,200 -1  SPF_PASS_ALL\n",
        "+gained.test  -lost.test\n",
        "80 → 85 → 80: rule +5 (grader, reference), world -5 (evidence)\n",
        "80 → 85 → withheld: world (evidence)\n",
    ):
        assert said in text
    assert "unexplained" not in text
    assert "unjudged" not in text


def test_the_longer_bar_is_of_what_moved_more_points() -> None:
    bars = {line.split()[0]: line.count("█") for line in shown(SAID).splitlines() if "█" in line}
    assert bars.keys() == {"world"}, "ten points of 1,200 are less than a block"
    assert bars["world"] == 24


def test_a_grader_without_points_anywhere_has_no_mean() -> None:
    nowhere = SPF["points"] | {"sites": 0, "means": dict.fromkeys(("old", "judged", "new"))}
    text = shown(SAID | {"graders": {"spf": SPF | {"points": nowhere}}})
    assert "no site has points in both runs" in text


def test_what_cannot_be_attributed_is_explained() -> None:
    kinds = SPF["kinds"] | {"unexplained": 3, "unjudged": 1}
    text = " ".join(shown(SAID | {"graders": {"spf": SPF | {"kinds": kinds}}}).split())
    assert "3 unexplained" in text
    assert "by rules of the same version" in text
    assert "the new rules failed on the old evidence" in text


def test_answers_that_were_parsed_by_different_processors_are_told() -> None:
    new = SAID["new"] | {"processor_versions": [2]}
    text = " ".join(shown(SAID | {"new": new}).split())
    assert "different processors (1; 2)" in text
    assert "`dnstats reprocess 1` first" in text


def test_json_is_one_document_with_every_change() -> None:
    assert json.loads("".join(json_text(SAID, [EVEN, LOST]))) == SAID | {"changes": [EVEN, LOST]}
    assert json.loads("".join(json_text(SAID, []))) == SAID | {"changes": []}
