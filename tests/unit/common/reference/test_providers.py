"""Labels of providers, and the mistakes of the original's matching that must not come back."""

from itertools import permutations

import pytest

from services.common.dns.names import normalise
from services.common.reference.load import load
from services.common.reference.providers import NO_MAIL, SELF_HOSTED, UNKNOWN
from services.common.reference.table import rows

PROVIDERS = load("public").providers


@pytest.mark.parametrize(
    ("exchanges", "label"),
    [
        (["aspmx.l.google.com", "alt1.aspmx.l.google.com"], "Google Apps"),
        (["smtp.google.com"], "Google Apps"),
        (["aspmx2.googlemail.com"], "Google Apps"),
        (["x-com.mail.protection.outlook.com"], "Office 365"),
        (["mxa-0001.gslb.pphosted.com"], "ProofPoint"),
        (["eu-smtp-inbound-1.mimecast.com"], "Mimecast"),
        (["mx.zoho.eu"], "Zoho"),
        (["inbound-smtp.eu-west-1.amazonaws.com"], "Amazon Web Services"),
        (["qq.com"], "QQ"),
        (["mx.elsewhere.net"], UNKNOWN),
        ([], NO_MAIL),
        (["."], NO_MAIL),
        (["x.mx-verification.google.com", "mx.elsewhere.net"], UNKNOWN),
        (["a.mx.mail.ru", "mx.yandex.net"], "Yandex"),
    ],
)
def test_mail(exchanges: list[str], label: str) -> None:
    assert PROVIDERS.mail("example.com", exchanges) == label


@pytest.mark.parametrize(
    ("servers", "label"),
    [
        (["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"], "Cloudflare"),
        (["ns-1.awsdns-00.co.uk", "ns-2.awsdns-63.org"], "Amazon Web Services"),
        (["ns4-05.azure-dns.info"], "Azure"),
        (["ns3-05.azure-dns.org", "ns2-05.azure-dns.net"], "Azure"),
        (["ns1.google.com"], "Google DNS"),
        (["ns1.elsewhere.net"], UNKNOWN),
        ([], None),
        (["."], UNKNOWN),
    ],
)
def test_dns(servers: list[str], label: str | None) -> None:
    assert PROVIDERS.dns("example.org", servers) == label


@pytest.mark.parametrize(
    ("domain", "hosts"),
    [
        ("example.com", ["mx.example.com"]),
        ("www.example.co.uk", ["mx1.example.co.uk", "example.co.uk"]),
        ("google.com", ["smtp.google.com"]),
        ("nowhere", ["nowhere"]),
    ],
)
def test_hosts_of_the_site_s_own_registrable_name_are_self_hosted(
    domain: str, hosts: list[str]
) -> None:
    assert PROVIDERS.mail(domain, hosts) == SELF_HOSTED
    assert PROVIDERS.dns(domain, hosts) == SELF_HOSTED


def test_labels_are_bounded_by_dots() -> None:
    assert PROVIDERS.mail("x.com", ["mail.notx.com"]) == UNKNOWN
    assert PROVIDERS.mail("example.com", ["mx.notqq.com"]) == UNKNOWN
    assert PROVIDERS.dns("example.com", ["ns1.cache.net"]) == UNKNOWN
    assert PROVIDERS.dns("example.com", ["x.google.com.hk"]) == UNKNOWN
    assert PROVIDERS.mail("example.com", ["mx\\.l.google.com"]) == UNKNOWN
    assert PROVIDERS.dns("example.com", ["ns1.awsdns-xx.com"]) == UNKNOWN


def test_one_own_host_beside_a_provider_is_not_self_hosted() -> None:
    hosts = ["mx.example.com", "aspmx.l.google.com"]
    assert PROVIDERS.mail("example.com", hosts) == "Google Apps"


def test_the_order_of_the_hosts_does_not_matter() -> None:
    hosts = ["ns1.he.net", "ns1.example.com", "ada.ns.cloudflare.com", "ns.elsewhere.org"]
    labels = {PROVIDERS.dns("example.com", order) for order in permutations(hosts)}
    assert labels == {"Hurricane Electric"}


def test_the_row_with_most_labels_counts_for_one_host() -> None:
    assert PROVIDERS.mail("example.com", ["mx1.ppe-hosted.com"]) == "ProofPoint Essentials"
    assert PROVIDERS.mail("example.com", ["m.in.hes.trendmicro.eu"]) == (
        "TrendMicro Hosted Email Security"
    )


def test_every_row_can_match() -> None:
    for row in rows("providers.csv"):
        suffix = row["suffix"].replace("#", "07")
        assert normalise(suffix) == suffix
        label = PROVIDERS.mail if row["kind"] == "mail" else PROVIDERS.dns
        assert label("site.example", [f"host.{suffix}"]) == row["name"]


def test_every_label_is_listed_once() -> None:
    for names in (PROVIDERS.mail_names, PROVIDERS.dns_names):
        assert len({name.lower() for name in names}) == len(names)
    assert {SELF_HOSTED, NO_MAIL, UNKNOWN} < set(PROVIDERS.mail_names)
    assert {SELF_HOSTED, UNKNOWN} < set(PROVIDERS.dns_names)
