"""Addresses and networks as SPF writes them."""

from ipaddress import IPv4Address, IPv6Address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from services.common.records.spf_network import Network, read_ip4, read_ip6, read_prefix

NETWORK = st.one_of(
    st.builds(Network, st.just(4), st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.builds(Network, st.just(6), st.integers(0, 2**128 - 1), st.integers(0, 128)),
)


@given(NETWORK)
def test_bounds_are_those_of_the_standard_library(network: Network) -> None:
    expected = ip_network(f"{network.address}/{network.prefix}", strict=False)
    assert network.first == int(expected.network_address)
    assert network.last == int(expected.broadcast_address)
    assert network.masked == str(expected)
    assert network.canonical == (network.address == str(expected.network_address))


def test_text() -> None:
    assert str(Network(4, 0xC0000201, 32)) == "192.0.2.1"
    assert str(Network(4, 0xC0000201, 24)) == "192.0.2.1/24"


@given(st.ip_addresses())
def test_every_address_is_read(address: IPv4Address | IPv6Address) -> None:
    read = read_ip4 if address.version == 4 else read_ip6
    assert read(str(address)) == int(address)


@given(st.text(alphabet="0123456789.:af/%", max_size=20))
def test_nothing_else_is_read(text: str) -> None:
    assert read_ip4(text) in (None, _value(IPv4Address, text))
    assert read_ip6(text) in (None, _value(IPv6Address, text))


@given(st.text(alphabet="0123456789+- ", max_size=4), st.sampled_from([4, 6]))
def test_prefixes_have_no_leading_zero(text: str, version: int) -> None:
    prefix = read_prefix(text, version)
    if prefix is not None:
        assert str(prefix) == text
        assert prefix <= (32 if version == 4 else 128)


def _value(kind: type[IPv4Address] | type[IPv6Address], text: str) -> int | None:
    try:
        return int(kind(text))
    except ValueError:
        return None
