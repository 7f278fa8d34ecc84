import pytest

from services.common.dns.status import Status
from services.common.questions.basics import sibling
from services.common.reference.load import load
from services.processor.core.derive import derive
from services.processor.core.site_run import SiteRun
from tests.unit.processor.scan import SECRET, Failures, scan
from tests.unit.scanner.world import SOA, Records

WORLD = load("world")
HIDDEN = f"{sibling('a.test', SECRET)}.a.test"
SERVERS: Records = {
    ("a.test", "NS"): ["ns2.b.test.", "ns1.a.test."],
    ("ns1.a.test", "A"): ["192.0.2.1"],
    ("ns1.a.test", "AAAA"): ["2001:db8::1"],
}


def site_run(records: Records, failures: Failures | None = None, domain: str = "a.test") -> SiteRun:
    return derive(scan(domain, {("a.test", "SOA"): SOA, **records}, failures), WORLD).site_run


def test_addresses_of_name_servers() -> None:
    row = site_run(SERVERS)
    assert row.ns_records == ["ns1.a.test", "ns2.b.test"]
    assert row.ns_ip_addresses == {"ns1.a.test": ["192.0.2.1", "2001:db8::1"], "ns2.b.test": []}


def test_addresses_that_were_not_observed_are_not_absent() -> None:
    failures = {("ns2.b.test", "AAAA"): Status.TIMEOUT, ("ns1.a.test", "AAAA"): Status.TIMEOUT}
    row = site_run(SERVERS, failures)
    assert row.ns_ip_addresses == {"ns1.a.test": ["192.0.2.1"], "ns2.b.test": None}


@pytest.mark.parametrize(
    ("servers", "provider"),
    [
        (["ns1.a.test.", "ns2.a.test."], "Self-hosted"),
        (["ns1.a.test.", "ada.ns.cloudflare.com."], "Cloudflare"),
        (["ada.ns.cloudflare.com.", "ns1.a.test."], "Cloudflare"),
        (["ns1.cache.net."], "Unknown"),
        (["ns1-01.azure-dns.com.", "ns3-01.azure-dns.org."], "Azure"),
        (["ns4-01.azure-dns.info."], "Azure"),
    ],
)
def test_dns_provider(servers: list[str], provider: str) -> None:
    assert site_run({("a.test", "NS"): servers}).dns_provider == provider


def test_algorithms_are_the_highest_in_any_order() -> None:
    digest = "00" * 32
    records = {
        ("a.test", "DS"): [f"1 13 1 {digest[:40]}", f"2 8 2 {digest}"],
        ("a.test", "DNSKEY"): ["257 3 8 AAAA", "256 3 13 AAAA", "256 3 5 AAAA"],
    }
    row = site_run(records)
    assert (row.dnssec_ds_algorithm, row.dnssec_digest_type) == (13, 2)
    assert row.dnssec_dnskey_algorithm == 13


def test_algorithms_not_observed() -> None:
    failures = {("a.test", "DS"): Status.SERVFAIL, ("a.test", "DNSKEY"): Status.SERVFAIL}
    row = site_run({}, failures)
    assert (row.dnssec_ds_algorithm, row.dnssec_digest_type) == (None, None)
    assert row.dnssec_dnskey_algorithm is None


@pytest.mark.parametrize(
    ("records", "issue", "wildcard", "reporting"),
    [
        (['0 issue "ca.test"'], 1, 0, False),
        (['0 Issue "ca.test"', '128 issue ";"'], 2, 0, False),
        (['0 issuewild "ca.test"'], 0, 1, False),
        (['0 iodef "mailto:a@a.test"', '0 issue "x issuewild y"'], 1, 0, True),
    ],
)
def test_caa(records: list[str], issue: int, wildcard: int, reporting: bool) -> None:
    row = site_run({("a.test", "CAA"): records})
    assert row.has_caa is True
    assert (row.caa_issue_count, row.caa_wildcard_count) == (issue, wildcard)
    assert row.has_caa_reporting is reporting


def test_caa_is_inherited_from_above() -> None:
    records = {("a.test", "CAA"): ['0 issue "ca.test"'], ("www.a.test", "A"): ["192.0.2.1"]}
    row = site_run(records, domain="www.a.test")
    assert (row.has_caa, row.caa_issue_count, row.caa_records) == (True, 1, [])


def test_caa_is_open_where_a_step_of_the_climb_was_not_observed() -> None:
    row = site_run({}, {("test", "CAA"): Status.TIMEOUT})
    assert (row.has_caa, row.caa_issue_count, row.caa_records) == (None, None, [])


@pytest.mark.parametrize(
    ("answering", "failures", "has_msdc"),
    [
        ([], {}, False),
        (["_msdcs.a.test"], {}, True),
        (["_msdcs.a.test", HIDDEN], {}, None),
        (["_msdcs.a.test"], {(HIDDEN, "SOA"): Status.TIMEOUT}, None),
        ([], {("_msdcs.a.test", "SOA"): Status.TIMEOUT}, None),
    ],
)
def test_msdc(answering: list[str], failures: Failures, has_msdc: bool | None) -> None:
    row = site_run({(name, "SOA"): SOA for name in answering}, failures)
    assert row.has_msdc is has_msdc
