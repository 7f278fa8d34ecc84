"""Which addresses are public."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.reference.addresses import Addresses

PUBLIC = Addresses(documentation=False).is_public
WORLD = Addresses(documentation=True).is_public


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.0.0.0",
        "11.0.0.0",
        "9.255.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.0.9",
        "192.0.1.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:4860:4860::8888",
        "2001:1::1",
        "2001:200::1",
        "2620:4f:8000::1",
        "64:ff9b::808:808",
        "2002:808:808::1",
        "3ffe::1",
    ],
)
def test_addresses_that_the_internet_reaches(address: str) -> None:
    assert PUBLIC(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.8",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:8.8.8.8",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::808:808",
        "100::1",
        "2001::1",
        "2002:a00:1::1",
        "2002:7f00:1::1",
        "4000::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_addresses_that_it_does_not_reach(address: str) -> None:
    assert not PUBLIC(address)


@pytest.mark.parametrize(
    "address",
    [
        "192.0.2.1",
        "198.51.100.255",
        "203.0.113.0",
        "2001:db8::1",
        "3fff:fff::1",
        "64:ff9b::cb00:7101",
        "2002:c000:201::1",
    ],
)
def test_documentation_ranges_are_public_in_the_world_only(address: str) -> None:
    assert WORLD(address)
    assert not PUBLIC(address)


def test_the_world_opens_nothing_else() -> None:
    assert not WORLD("10.0.0.1")
    assert not WORLD("127.0.0.1")
    assert not WORLD("fe80::1")
    assert WORLD("8.8.8.8")


@pytest.mark.parametrize(
    ("network", "public"),
    [
        ("10.0.0.0/8", False),
        ("10.1.0.0/16", False),
        ("8.0.0.0/6", True),
        ("0.0.0.0/0", True),
        ("0.0.0.0/8", False),
        ("224.0.0.0/3", False),
        ("::/0", True),
        ("fc00::/6", False),
        ("2002:a00::/24", False),
        ("2002::/16", True),
        ("64:ff9b::/96", True),
        ("10.0.0.7/8", False),
        ("198.51.100.0/24", False),
    ],
)
def test_a_network_is_public_when_anything_in_it_is(network: str, public: bool) -> None:
    assert PUBLIC(network) is public


@pytest.mark.parametrize("text", ["", "8.8.8", "8.8.8.8/33", "example.com", "8.8.8.8 ", "1", "::g"])
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not PUBLIC(text)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert PUBLIC(text) in (True, False)


@given(st.ip_addresses(v=4).map(str))
def test_ipv4_agrees_with_the_standard_library(address: str) -> None:
    ours, theirs = PUBLIC(address), ip_address(address)
    if theirs.is_multicast or address.startswith(("192.0.0.", "192.88.99.")):
        assert not ours or address in ("192.0.0.9", "192.0.0.10")
    else:
        assert ours == theirs.is_global


@given(st.ip_addresses(v=4))
def test_an_address_inside_nat64_or_6to4_decides(inner: object) -> None:
    v4 = ip_address(str(inner))
    high, low = int(v4) >> 16, int(v4) & 0xFFFF
    assert PUBLIC(f"64:ff9b::{high:x}:{low:x}") == PUBLIC(str(v4))
    assert PUBLIC(f"2002:{high:x}:{low:x}::1") == PUBLIC(str(v4))
