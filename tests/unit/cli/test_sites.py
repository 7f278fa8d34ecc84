"""What `dnstats sites import` says; imports into a real database are in tests/integration."""

import json
from datetime import date

import pytest

from services.cli import sites
from services.scheduler.core.ranked_list import NAMED, ListInfo, Merge, RankedList

INFO = ListInfo("https://lists.test/top.zip", "K2VLW", date(2026, 11, 24), b"\xab" * 32)
MERGE = Merge(number=3, sites=1_000, before=1_001, new=7, reranked=900, dropped=8)


def _read(bad_lines: int) -> RankedList:
    read = RankedList()
    list(read.sites([b"1,a.test\n", *[b"0,b.test\n"] * bad_lines]))
    return read


def test_counts_and_the_first_bad_lines_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    sites._show(INFO, MERGE, _read(NAMED + 5))
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "list 3: K2VLW of 2026-11-24, 1,000 sites (before: 1,001)"
    assert [line.split()[-1] for line in shown[1:5]] == ["7", "900", "8", "25"]
    assert shown[5] == "    rank: 25"
    assert shown[6] == "  line 2: rank 0 is not between 1 and 2147483647"
    assert shown[-1] == "  … and 5 more"


def test_a_clean_list_has_nothing_more_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    sites._show(INFO, MERGE, _read(0))
    assert capsys.readouterr().out.splitlines()[-1] == "  bad lines          0"


def test_programs_get_everything() -> None:
    said = json.loads(json.dumps(sites._as_dict(INFO, MERGE, _read(1))))
    assert said == {
        "list": 3,
        "source": "https://lists.test/top.zip",
        "list_id": "K2VLW",
        "list_date": "2026-11-24",
        "sha256": "ab" * 32,
        "sites": 1_000,
        "before": 1_001,
        "new": 7,
        "reranked": 900,
        "dropped": 8,
        "bad": {"rank": 1},
        "first_bad": [
            {
                "number": 2,
                "text": "0,b.test",
                "reason": "rank 0 is not between 1 and 2147483647",
            }
        ],
    }
