"""A file of records: what is known, what is absent, and what nobody knows."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.world.model import UNKNOWN, Found, Rcode
from deploy.local.world.rdata import BadRdataError, to_wire
from deploy.local.world.records import RecordsWorld
from deploy.local.world.records_index import BadRecordsError
from services.common.dns import rdtypes
from services.common.dns.names import from_wire
from services.common.reference.load import load

A, AAAA, MX, TXT, SOA, CAA = (
    rdtypes.A,
    rdtypes.AAAA,
    rdtypes.MX,
    rdtypes.TXT,
    rdtypes.SOA,
    rdtypes.CAA,
)


def record(name: str, rdtype: str, *rdata: str, approx: str = "") -> dict[str, Any]:
    marks = {"approx": approx} if approx else {}
    return {"name": name, "type": rdtype, "rdata": list(rdata), **marks}


def line(domain: str, *records: Any, rank: int | None = 1, **observed: Any) -> dict[str, Any]:
    return {
        "domain": domain,
        "rank": rank,
        "records": list(records),
        "observed": {"somebody": observed},
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "records.jsonl"


def world(file: Path, *lines: Any) -> RecordsWorld:
    file.write_text("".join(json.dumps(each) + "\n" for each in lines), "utf-8")
    return RecordsWorld(file)


def is_nodata(found: Found) -> bool:
    return found.rcode is Rcode.NOERROR and found.records is None and found.soa is not None


def test_published_records_are_served(file: Path) -> None:
    made = world(file, line("site.org", record("site.org", "TXT", '"v=spf1 " "-all"')))
    found = made.find("site.org", TXT)
    assert found.records is not None
    assert found.records.rdatas == (b"\x07v=spf1 \x04-all",)


def test_what_the_file_does_not_say_is_unknown(file: Path) -> None:
    made = world(file, line("site.org", record("site.org", "A", "192.0.2.1")))
    assert made.find("site.org", MX) == UNKNOWN
    assert made.find("other.org", A) == UNKNOWN


def test_observed_absence_is_proven_by_a_soa(file: Path) -> None:
    made = world(file, line("site.org", nodata=["MX"], caa="none", dmarc=False))
    assert is_nodata(made.find("site.org", MX))
    assert is_nodata(made.find("site.org", CAA))
    assert is_nodata(made.find("_dmarc.site.org", TXT))
    assert made.find("site.org", SOA) == UNKNOWN


def test_a_record_wins_over_observed_absence(file: Path) -> None:
    made = world(file, line("site.org", record("site.org", "MX", "5 mx.site.org."), nodata=["MX"]))
    assert made.find("site.org", MX).records is not None


def test_a_record_that_cannot_be_sent_is_unknown_and_not_absent(file: Path) -> None:
    made = world(file, line("site.org", record("site.org", "A", "192.0.2"), nodata=["A"]))
    assert made.find("site.org", A) == UNKNOWN


def test_missing_domain(file: Path) -> None:
    made = world(file, line("gone.org", nx=True))
    assert made.find("gone.org", SOA).rcode is Rcode.NXDOMAIN


@pytest.mark.parametrize(
    ("facts", "absent"),
    [
        ({"dmarc": False, "dmarc_error": "A DMARC record does not exist."}, True),
        ({"dmarc": False, "dmarc_error": "The DNS operation timed out."}, False),
        ({"dmarc": "none"}, False),
        ({"spf": False}, False),
    ],
)
def test_a_failed_look_proves_nothing(file: Path, facts: dict[str, Any], absent: bool) -> None:
    made = world(file, line("site.org", **facts))
    assert is_nodata(made.find("_dmarc.site.org", TXT)) is absent
    assert made.find("site.org", TXT) == UNKNOWN


def test_no_policy_holds_for_the_walk_unless_the_file_knows_better(file: Path) -> None:
    made = world(
        file,
        line("a.site.org", dmarc=False),
        line("b.other.org", dmarc=False),
        line("other.org", record("_dmarc.other.org", "TXT", '"v=DMARC1; p=none"')),
    )
    assert is_nodata(made.find("_dmarc.org", TXT))
    assert is_nodata(made.find("_dmarc.site.org", TXT))
    assert made.find("_dmarc.other.org", TXT).records is not None
    assert made.find("_dmarc.net", TXT) == UNKNOWN


@pytest.mark.parametrize(
    "mark", ["rebuilt-from-parsed-tags", "mx-from-starttls-policy;preference-unknown"]
)
def test_marks_of_what_was_not_published_silence_it(file: Path, mark: str) -> None:
    made = world(file, line("site.org", record("site.org", "MX", "10 mx.site.org.", approx=mark)))
    assert made.find("site.org", MX) == UNKNOWN


def test_made_up_preferences_are_never_equal(file: Path) -> None:
    rdata = ("10 a.org.", "10 b.org.")
    made = world(
        file, line("site.org", record("site.org", "MX", *rdata, approx="mx-preference-unknown"))
    )
    records = made.find("site.org", MX).records
    assert records is not None
    assert [int.from_bytes(each[:2]) for each in records.rdatas] == [10, 20]


def test_mail_hosts_without_address_get_a_public_one(file: Path) -> None:
    rdata = ("10 mx1.host.org.", "20 mx2.host.org.")
    made = world(file, line("site.org", record("site.org", "MX", *rdata)))
    first, second = (made.find(name, A).records for name in ("mx1.host.org", "mx2.host.org"))
    assert first is not None
    assert second is not None
    assert first.rdatas != second.rdatas
    assert load("world").is_public(".".join(map(str, first.rdatas[0])))
    assert made.find("mx1.host.org", AAAA) == UNKNOWN


def test_aliases_stand_for_every_type(file: Path) -> None:
    made = world(file, line("site.org", record("www.site.org", "CNAME", "site.org.")))
    records = made.find("www.site.org", TXT).records
    assert records is not None
    assert from_wire(records.rdatas[0]) == "site.org"


def test_ranked_domains_come_first(file: Path) -> None:
    made = world(file, line("x.org", rank=None), line("b.org", rank=2), line("a.org", rank=1))
    assert [site.domain for site in made.sites()] == ["a.org", "b.org", "x.org"]


def test_gzip_is_read_as_well(file: Path) -> None:
    text = json.dumps(line("site.org", record("site.org", "A", "192.0.2.1")))
    file.write_bytes(gzip.compress(text.encode()))
    assert RecordsWorld(file).find("site.org", A).records is not None


def test_an_unknown_type_of_absence_is_named(file: Path) -> None:
    with pytest.raises(BadRecordsError, match="'FOO' is no record type"):
        world(file, line("site.org", nodata=["FOO"]))


@pytest.mark.parametrize("text", ["{", "[]", '{"domain": 1}', '{"domain": "a..b"}', "7"])
def test_a_bad_line_is_named(file: Path, text: str) -> None:
    file.write_text(json.dumps(line("site.org")) + "\n" + text, "utf-8")
    with pytest.raises(BadRecordsError, match="line 2"):
        RecordsWorld(file)


def test_an_empty_file_is_none(file: Path) -> None:
    file.touch()
    with pytest.raises(BadRecordsError, match="empty"):
        RecordsWorld(file)


@given(st.text(max_size=30))
def test_encoding_raises_only_what_it_says(text: str) -> None:
    for rdtype in (A, AAAA, MX, TXT, SOA):
        try:
            assert isinstance(to_wire(rdtype, text), bytes)
        except BadRdataError:
            continue
