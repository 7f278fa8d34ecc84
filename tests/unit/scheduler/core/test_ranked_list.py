from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.core.ranked_list import (
    MAX_LINE,
    NAMED,
    BadLine,
    RankedList,
    RankedSite,
    refusal,
)


def _read(text: str | bytes) -> tuple[list[RankedSite], RankedList]:
    raw = text.encode() if isinstance(text, str) else text
    read = RankedList()
    return list(read.sites(raw.splitlines(keepends=True))), read


def test_good_lines_become_sites() -> None:
    sites, read = _read("1,google.com\n2,Example.ORG\n")
    assert sites == [(1, "google.com"), (2, "example.org")]
    assert (read.good, read.bad.total()) == (2, 0)


def test_what_other_programs_write_around_a_list_is_accepted() -> None:
    sites, read = _read(b'\xef\xbb\xbfRank, Domain\r\n\r\n 1 , "google.com" \r\n"2",a.test')
    assert sites == [(1, "google.com"), (2, "a.test")]
    assert not read.bad


def test_a_heading_counts_only_on_the_first_line() -> None:
    _, read = _read("1,a.test\nrank,domain\n")
    assert read.bad == {"rank": 1}


def test_every_bad_line_is_counted_by_kind_and_named_with_its_number() -> None:
    long = "4," + "a" * MAX_LINE
    text = f"1,a.test\nnonsense\n0,b.test\n3,not a name\n{long}\n5,a.test.\n1,c.test\n6,d.test\n"
    sites, read = _read(text.encode() + b"7,\xff.test\n")
    assert sites == [(1, "a.test"), (6, "d.test")]
    assert read.bad == {
        "line": 2,
        "rank": 1,
        "domain": 1,
        "duplicate domain": 1,
        "duplicate rank": 1,
        "encoding": 1,
    }
    assert [bad.number for bad in read.first_bad] == [2, 3, 4, 5, 6, 7, 9]
    assert str(read.first_bad[0]) == "line 2: no comma: a line is rank,domain"


def test_ranks_are_whole_numbers_from_one_that_the_store_can_hold() -> None:
    lines = ["-1,a.test", "1.5,a.test", "²,a.test", "2147483648,a.test", "9" * 30 + ",a.test"]
    sites, read = _read("\n".join([*lines, "2147483647,a.test"]))
    assert sites == [(2147483647, "a.test")]
    assert read.bad == {"rank": 5}


def test_only_the_first_bad_lines_are_kept() -> None:
    _, read = _read("bad\n" * 1000)
    assert read.bad.total() == 1000
    assert read.first_bad[-1] == BadLine(NAMED, "bad", "no comma: a line is rank,domain")
    assert len(read.first_bad) == NAMED


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"1,a.test", b"2,b.test"])))
def test_no_bytes_stop_the_reading_and_no_line_is_lost(lines: list[bytes]) -> None:
    read = RankedList()
    sites = list(read.sites(lines))
    skipped = sum(
        not line.strip()
        or (number == 0 and line.strip().replace(b" ", b"").lower() == b"rank,domain")
        for number, line in enumerate(lines)
    )
    assert read.good + read.bad.total() + skipped == len(lines)
    assert len(sites) == read.good
    assert len({site.domain for site in sites}) == len({site.rank for site in sites}) == read.good


def test_a_list_is_refused_without_a_good_line_and_when_much_smaller() -> None:
    assert refusal(0, 0, force=True) == "it has no good line"
    assert refusal(79, 100, force=False) == "it has 79 sites, under 80% of the 100 of the last"
    assert refusal(79, 100, force=True) is None
    assert refusal(80, 100, force=False) is None
    assert refusal(1, 0, force=False) is None
