from dataclasses import asdict, fields, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.lookup import Question
from services.common.dns.status import Status
from services.common.messages.scan_result import ScanResult
from services.common.reference.load import load
from services.common.store import tables
from services.common.store.site_runs import NOT_COLLECTED
from services.processor.core.derive import derive
from services.processor.core.evidence import MAX_TEXT
from services.processor.core.site_run import SiteRun, Source
from services.processor.core.version import VERSION
from tests.unit.processor.scan import STARTED, Failures, scan
from tests.unit.scanner.world import SITE, SOA

WORLD = load("world")
USUAL = scan("site.test", SITE)


def site_run(result: ScanResult) -> SiteRun:
    return derive(result, WORLD).site_run


def test_a_site_run_has_an_attribute_for_every_column() -> None:
    columns = [column.name for column in tables.site_runs.columns]
    assert [field.name for field in fields(SiteRun)] == [
        name for name in columns if name not in NOT_COLLECTED
    ]


def test_a_usual_site() -> None:
    derived = derive(USUAL, WORLD, Source("scan-results", 2, 99))
    row = asdict(derived.site_run)
    assert sum(row.pop("lookups").values()) == len(USUAL.lookups)
    assert row == {
        "run_id": 3,
        "site_id": 5,
        "domain": "site.test",
        "rank": 7,
        "scan_id": USUAL.scan_id,
        "started_at": STARTED,
        "finished_at": STARTED + 250_000,
        "scanner_version": "0.1",
        "vantage": "here",
        "processor_version": VERSION,
        "reference_version": WORLD.version,
        "reference_name": "world",
        "source_topic": "scan-results",
        "source_partition": 2,
        "source_offset": 99,
        "status": "ANSWERED",
        "zone": "site.test",
        "undetermined": {},
        "capped": (),
        "a_records": ["192.0.2.1"],
        "aaaa_records": [],
        "mx_records": ["10 mx.host.test"],
        "txt_records": ["other", "v=spf1 include:spf.host.test -all"],
        "caa_records": [],
        "ns_records": ["ns1.site.test", "ns2.host.test"],
        "soa_records": ["ns1.site.test admin.site.test 1 7200 3600 1209600 300"],
        "ds_records": [],
        "dnskey_records": [],
        "dmarc_records": ["v=DMARC1; p=reject; rua=mailto:d@host.test"],
        "bimi_records": [],
        "ns_ip_addresses": {"ns1.site.test": ["192.0.2.2"], "ns2.host.test": ["192.0.2.3"]},
        "has_mx": True,
        "has_spf": True,
        "spf_policy": "-all",
        "has_dmarc": True,
        "dmarc_policy": "reject",
        "dmarc_sub_policy": "no_policy",
        "has_dmarc_aggregate_reporting": True,
        "has_dmarc_forensic_reporting": False,
        "has_caa": False,
        "has_caa_reporting": False,
        "caa_issue_count": 0,
        "caa_wildcard_count": 0,
        "email_provider": "Unknown",
        "dns_provider": "Unknown",
        "dnssec_ds_algorithm": -1,
        "dnssec_digest_type": -1,
        "dnssec_dnskey_algorithm": -1,
        "has_msdc": False,
        "has_bimi": False,
    }


def test_sections_hold_what_the_closures_name() -> None:
    sections = derive(USUAL, WORLD).sections
    assert {name: [seen.question for seen in section] for name, section in sections.items()} == {
        "spf": [("site.test", "TXT"), ("site.test", "MX"), ("spf.host.test", "TXT")],
        "dmarc": [
            ("site.test", "MX"),
            ("_dmarc.site.test", "TXT"),
            ("_dmarc.test", "TXT"),
            ("host.test", "MX"),
            ("site.test._report._dmarc.host.test", "TXT"),
        ],
        "mx": [("site.test", "MX"), ("mx.host.test", "A"), ("mx.host.test", "AAAA")],
    }
    assert all(seen.determined for section in sections.values() for seen in section)


def test_of_a_site_that_does_not_exist_everything_is_absent() -> None:
    row = site_run(scan("gone.test", {}))
    assert (row.status, row.zone, row.undetermined) == ("NXDOMAIN", "test", {})
    assert (row.mx_records, row.ns_records, row.dmarc_records) == ([], [], [])
    assert (row.has_mx, row.has_spf, row.has_dmarc, row.has_caa) == (False, False, False, False)
    assert (row.has_msdc, row.has_bimi, row.dnssec_ds_algorithm) == (False, False, -1)
    assert (row.email_provider, row.dns_provider) == ("No mail", None)


def test_what_nobody_answered_is_null_and_named() -> None:
    asked: Failures = dict.fromkeys(observed(USUAL), Status.TIMEOUT)
    row = site_run(scan("site.test", SITE, asked))
    columns = [name for name in asdict(row) if name.endswith("_records")]
    assert row.undetermined == dict.fromkeys(columns, "TIMEOUT")
    facts = asdict(row)
    start = list(facts).index("a_records")
    assert {name for name in list(facts)[start:] if facts[name] is not None} == set()
    assert row.zone is None


def test_nothing_asked_is_null_too() -> None:
    row = site_run(replace(USUAL, lookups=()))
    assert row.status == "NOT_ASKED"
    assert set(row.undetermined.values()) == {"NOT_ASKED"}
    assert (row.has_spf, row.has_dmarc, row.has_caa, row.has_msdc) == (None, None, None, None)


def test_a_bogus_answer_says_neither_yes_nor_no() -> None:
    row = site_run(scan("site.test", SITE, {("site.test", "TXT"): Status.BOGUS}))
    assert (row.has_spf, row.txt_records) == (None, None)
    assert row.undetermined == {"txt_records": "BOGUS"}


def test_text_of_strangers_is_stored_printable() -> None:
    records = {**SITE, ("site.test", "TXT"): [r'"nul\000 \195\169\010 tab\009 back\\"']}
    row = site_run(scan("site.test", records))
    assert row.txt_records == [r"nul\000 \195\169\010 tab\009 back\\"]


def test_a_subdomain_is_judged_at_the_apex_of_its_zone() -> None:
    records = {
        **SITE,
        ("www.site.test", "A"): ["192.0.2.9"],
        ("site.test", "DS"): ["1 13 2 " + "00" * 32],
    }
    row = site_run(scan("www.site.test", records))
    assert (row.zone, row.dnssec_ds_algorithm) == ("site.test", 13)
    assert row.ns_records == ["ns1.site.test", "ns2.host.test"]
    assert row.soa_records == ["ns1.site.test admin.site.test 1 7200 3600 1209600 300"]
    assert (row.a_records, row.mx_records) == (["192.0.2.9"], [])


def test_names_that_say_more_than_fits_are_cut_and_the_rest_is_kept() -> None:
    long = ".".join(["x" * 63] * 3)
    many = {("site.test", "MX"): [f"{number} {long}." for number in range(700)]}
    result = scan("site.test", {**SITE, **many})
    derived = derive(replace(result, capped=("questions",)), WORLD)
    row = derived.site_run
    assert max(len(lookup.response) for lookup in result.lookups) < MAX_TEXT / 3
    assert (row.mx_records, row.has_mx) == (None, None)
    assert row.undetermined == {"mx_records": "TRUNCATED"}
    assert row.capped == ("questions", "text cap")
    assert (row.has_spf, row.has_dmarc) == (True, True)
    assert derived.sections["mx"][0].reason == "text cap"


@given(st.randoms(use_true_random=False))
def test_the_order_of_lookups_does_not_count(random: Random) -> None:
    lookups = random.sample(USUAL.lookups, len(USUAL.lookups))
    assert derive(replace(USUAL, lookups=tuple(lookups)), WORLD) == derive(USUAL, WORLD)


def test_the_order_of_lookups_does_not_say_what_is_cut() -> None:
    long = ".".join(["x" * 60] * 3)
    mx = [f"{number} {long}." for number in range(400)]
    ns = [f"n{number}.{long}." for number in range(400)]
    result = scan("site.test", {**SITE, ("site.test", "MX"): mx, ("site.test", "NS"): ns})
    derived = derive(result, WORLD)
    assert derived.site_run.undetermined == {"ns_records": "TRUNCATED"}
    assert derive(replace(result, lookups=result.lookups[::-1]), WORLD) == derived


@given(st.data())
def test_damaged_responses_never_break_it(data: st.DataObject) -> None:
    lookups = tuple(
        replace(lookup, response=damaged(lookup.response, data)) for lookup in USUAL.lookups[:6]
    )
    derive(replace(USUAL, lookups=lookups), WORLD)


def damaged(response: bytes, data: st.DataObject) -> bytes:
    at = data.draw(st.integers(0, len(response) - 1))
    return response[:at] + data.draw(st.binary(max_size=3)) + response[at + 1 :]


def test_a_type_that_is_none_is_impossible_evidence() -> None:
    strange = replace(USUAL.lookups[0], rdtype="NONSENSE")
    with pytest.raises(ValueError, match="NONSENSE"):
        derive(replace(USUAL, lookups=(strange,)), WORLD)


def test_direct_answers_are_kept_apart_from_those_of_the_resolver() -> None:
    direct = replace(USUAL.lookups[0], server="192.0.2.2", response=b"", status=Status.REFUSED)
    row = site_run(replace(USUAL, lookups=(direct, *USUAL.lookups)))
    assert row.status == "ANSWERED"
    assert row.lookups["REFUSED"] == 1


def observed(result: ScanResult) -> set[Question]:
    return {lookup.question for lookup in result.lookups}


def test_soa_above_is_no_zone_of_another_domain() -> None:
    records = {**SITE, ("site.test", "SOA"): SOA, ("sub.site.test", "SOA"): SOA}
    assert site_run(scan("sub.site.test", records)).zone == "sub.site.test"
