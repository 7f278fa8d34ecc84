from dataclasses import dataclass

import pytest

from services.common.dns.status import Status
from services.common.reference.load import load
from services.processor.core.derive import derive
from services.processor.core.site_run import SiteRun
from tests.unit.processor.scan import Failures, scan
from tests.unit.scanner.world import SOA, Records

WORLD = load("world")


def site_run(records: Records, failures: Failures | None = None, domain: str = "a.test") -> SiteRun:
    return derive(scan(domain, {("a.test", "SOA"): SOA, **records}, failures), WORLD).site_run


def txt(**texts: list[str]) -> Records:
    """TXT records by owner below a.test, "site" for the site itself."""
    return {
        ("a.test" if name == "site" else f"{name}.a.test", "TXT"): [f'"{text}"' for text in given]
        for name, given in texts.items()
    }


@pytest.mark.parametrize(
    ("records", "has_spf", "policy"),
    [
        ({}, False, "no_policy"),
        (txt(site=["other", "v=spf10 -all"]), False, "no_policy"),
        (txt(site=["v=spf1 -all"]), True, "-all"),
        (txt(site=["V=SPF1 -ALL"]), True, "-all"),
        (txt(site=["v=spf1 all"]), True, "+all"),
        (txt(site=["v=spf1 ?all"]), True, "?all"),
        (txt(site=["v=spf1 include:mail~allied.test -all"]), True, "-all"),
        (txt(site=["v=spf1"]), True, "no_policy"),
        (txt(site=["v=spf1 -all", "v=spf1 ~all"]), True, "no_policy"),
        (txt(site=['v=spf1 ip4:192.0.2." "1 ~a" "ll']), True, "~all"),
        (txt(site=["v=spf1 redirect=r.a.test"], r=["v=spf1 ~all"]), True, "~all"),
        (txt(site=["v=spf1 redirect=r.a.test -all"], r=["v=spf1 ~all"]), True, "-all"),
        (txt(site=["v=spf1 redirect=r.a.test"], r=["no spf"]), True, "no_policy"),
        (txt(site=["v=spf1 redirect=none.a.test"]), True, "no_policy"),
        (txt(site=["v=spf1 redirect=a.test"]), True, "no_policy"),
        (txt(site=["v=spf1 redirect=%{d}.x.a.test"]), True, "no_policy"),
        (txt(site=["v=spf1 redirect=%{l}.a.test"]), True, None),
    ],
)
def test_spf(records: Records, has_spf: bool, policy: str | None) -> None:
    row = site_run(records)
    assert (row.has_spf, row.spf_policy) == (has_spf, policy)


def test_spf_behind_a_redirect_that_nobody_answered() -> None:
    records = txt(site=["v=spf1 redirect=r.a.test"], r=["v=spf1 ~all"])
    row = site_run(records, {("r.a.test", "TXT"): Status.SERVFAIL})
    assert (row.has_spf, row.spf_policy) == (True, None)


def test_spf_of_an_alias_counts_as_the_site_s() -> None:
    row = site_run({("a.test", "CNAME"): ["b.test."], ("b.test", "TXT"): ['"v=spf1 -all"']})
    assert (row.has_spf, row.spf_policy) == (True, "-all")


@dataclass(frozen=True)
class Dmarc:
    """The expected facts."""

    exists: bool | None
    policy: str | None
    sub_policy: str | None
    aggregate: bool | None = False
    forensic: bool | None = False


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], Dmarc(False, "no_policy", "no_policy")),
        (["v=DMARC10; p=reject"], Dmarc(False, "no_policy", "no_policy")),
        (["v=DMARC1; p=reject"], Dmarc(True, "reject", "no_policy")),
        (["v = DMARC1 ; p=Reject; sp=NONE"], Dmarc(True, "reject", "none")),
        (["v=DMARC1; p=quarantine; sp=refuse"], Dmarc(True, "quarantine", "invalid")),
        (["v=DMARC1; p=drop"], Dmarc(True, "invalid", "no_policy")),
        (["v=DMARC1; rua=mailto:x@a.test"], Dmarc(True, "no_policy", "no_policy", True)),
        (
            ["v=DMARC1; p=none; rua=mailto:x@a.test?a=b; ruf=mailto:y@a.test"],
            Dmarc(True, "none", "no_policy", True, True),
        ),
        (["v=DMARC1; p=none; rua=x@a.test"], Dmarc(True, "none", "no_policy")),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], Dmarc(True, "invalid", "invalid")),
        (["v=spf1 -all", "v=DMARC1; p=none"], Dmarc(True, "none", "no_policy")),
    ],
)
def test_dmarc(texts: list[str], expected: Dmarc) -> None:
    assert dmarc(site_run(txt(_dmarc=texts) if texts else {})) == expected


@pytest.mark.parametrize(
    ("record", "policy", "sub_policy"),
    [
        ("v=DMARC1; p=reject", "reject", "no_policy"),
        ("v=DMARC1; p=reject; sp=none", "none", "none"),
    ],
)
def test_a_subdomain_inherits_dmarc(record: str, policy: str, sub_policy: str) -> None:
    records = {**txt(_dmarc=[record]), ("www.a.test", "A"): ["192.0.2.1"]}
    assert dmarc(site_run(records, domain="www.a.test")) == Dmarc(True, policy, sub_policy)


@pytest.mark.parametrize(
    ("record", "policy"),
    [
        ("v=DMARC1; p=reject; sp=quarantine; np=none", "none"),
        ("v=DMARC1; p=reject; sp=quarantine", "quarantine"),
        ("v=DMARC1; p=reject", "reject"),
    ],
)
def test_so_does_one_that_does_not_exist(record: str, policy: str) -> None:
    row = site_run(txt(_dmarc=[record]), domain="gone.a.test")
    assert (row.status, row.has_dmarc, row.dmarc_policy) == ("NXDOMAIN", True, policy)


def test_dmarc_is_open_where_a_step_of_the_walk_was_not_observed() -> None:
    failures = {("_dmarc.test", "TXT"): Status.TIMEOUT}
    assert dmarc(site_run({}, failures)) == Dmarc(None, None, None, None, None)
    own = txt(_dmarc=["v=DMARC1; p=none"])
    assert dmarc(site_run(own, failures)) == Dmarc(True, "none", "no_policy")


def dmarc(row: SiteRun) -> Dmarc:
    return Dmarc(
        row.has_dmarc,
        row.dmarc_policy,
        row.dmarc_sub_policy,
        row.has_dmarc_aggregate_reporting,
        row.has_dmarc_forensic_reporting,
    )


@pytest.mark.parametrize(
    ("exchanges", "has_mx", "provider"),
    [
        ([], False, "No mail"),
        (["0 ."], False, "No mail"),
        (["10 mx.a.test."], True, "Self-hosted"),
        (["10 mx.nota.test."], True, "Unknown"),
        (["5 alt1.aspmx.l.google.com.", "1 aspmx.l.google.com."], True, "Google Apps"),
        (["10 a-test.mail.protection.outlook.com."], True, "Office 365"),
    ],
)
def test_mx(exchanges: list[str], has_mx: bool, provider: str) -> None:
    row = site_run({("a.test", "MX"): exchanges} if exchanges else {})
    assert (row.has_mx, row.email_provider) == (has_mx, provider)


@pytest.mark.parametrize(
    ("texts", "has_bimi"),
    [
        ([], False),
        (["v=BIMI1; l=https://a.test/logo.svg"], True),
        (["v=BIMI1; l=https://a.test/logo?a=b; a=https://a.test/c.pem"], True),
        (["v=BIMI1; l=; a=;"], False),
        (["v=BIMI1; a=https://a.test/c.pem"], False),
        (["v=BIMI12; l=https://a.test/logo.svg"], False),
        (["l=https://a.test/logo.svg; v=BIMI1"], False),
        (["v=BIMI1; l=https://a.test/1.svg", "v=BIMI1; l=https://a.test/2.svg"], False),
        (["other", "v=BIMI1; l=https://a.test/logo.svg"], True),
    ],
)
def test_bimi(texts: list[str], has_bimi: bool) -> None:
    row = site_run(
        {("default._bimi.a.test", "TXT"): [f'"{text}"' for text in texts]} if texts else {}
    )
    assert row.has_bimi == has_bimi


def test_bimi_is_taken_from_the_organisational_domain() -> None:
    records = {
        ("www.a.test", "A"): ["192.0.2.1"],
        ("_dmarc.a.test", "TXT"): ['"v=DMARC1; p=reject"'],
        ("default._bimi.a.test", "TXT"): ['"v=BIMI1; l=https://a.test/logo.svg"'],
    }
    row = site_run(records, domain="www.a.test")
    assert (row.has_bimi, row.bimi_records) == (True, [])
