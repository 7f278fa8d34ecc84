"""Report addresses as DMARC writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.records.uri import MAX_URIS, UriFault, parse_uris


def test_a_list_of_addresses() -> None:
    first, second = parse_uris("mailto:a@Example.COM , MAILTO:b@example.net!10M")
    assert (first.address, first.host, first.size, first.fault) == (
        "a@Example.COM",
        "example.com",
        "",
        None,
    )
    assert (second.scheme, second.host, second.size, second.fault) == (
        "mailto",
        "example.net",
        "10M",
        None,
    )
    assert first.deliverable
    assert second.deliverable


def test_percent_encoding() -> None:
    (uri,) = parse_uris("mailto:d%21x%2Cy%40z@example.com")
    assert uri.address == "d!x,y@z@example.com"
    assert uri.host == "example.com"
    assert uri.size == ""


def test_headers_are_no_part_of_the_address() -> None:
    (uri,) = parse_uris("mailto:a@example.com?subject=x@y")
    assert (uri.address, uri.host) == ("a@example.com", "example.com")


def test_other_schemes_have_a_host_and_are_not_for_everybody() -> None:
    (uri,) = parse_uris("https://user@reports.example.com:8443/x?y")
    assert (uri.scheme, uri.host, uri.fault) == ("https", "reports.example.com", None)
    assert not uri.deliverable


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", UriFault.EMPTY),
        ("a@example.com", UriFault.NO_SCHEME),
        ("none", UriFault.NO_SCHEME),
        ("mailto: a@example.com", UriFault.CHARACTER),
        ("mailto:<a@example.com>", UriFault.CHARACTER),
        ("mailto:a%4@example.com", UriFault.CHARACTER),
        ("mailto:\xe4@example.com", UriFault.CHARACTER),
        ("mailto:example.com", UriFault.ADDRESS),
        ("mailto:@example.com", UriFault.ADDRESS),
        ("mailto://a@example.com", UriFault.ADDRESS),
        ("mailto:a%0a@example.com", UriFault.ADDRESS),
        ("mailto:a@", UriFault.ADDRESS),
        ("mailto:a@localhost", UriFault.HOST),
        ("mailto:a@example..com", UriFault.HOST),
        ("mailto:a@" + "x" * 64 + ".example", UriFault.HOST),
        ("https:example.com", UriFault.HOST),
        ("https://", UriFault.HOST),
    ],
)
def test_faults(text: str, fault: UriFault) -> None:
    (uri,) = parse_uris(text)
    assert uri.fault is fault
    assert uri.host == ""


def test_a_flood_is_cut() -> None:
    assert len(parse_uris("," * (MAX_URIS * 2))) == MAX_URIS


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    for uri in parse_uris(text):
        assert (uri.host != "") == (uri.fault is None)


@given(st.text("mailto:@.,!%/?#1k ").map(lambda text: "mailto:" + text))
def test_any_address_is_read(text: str) -> None:
    assert "".join(uri.text for uri in parse_uris(text)).replace(" ", "") == text.replace(
        ",", ""
    ).replace(" ", "")
