import pytest

from services.scanner.core.optout import NONE, BadOptOutError, parse

FILE = """
# asked on 2026-11-01
Example.COM.
ns:ns1.example.net   # and everything it serves
192.0.2.0/24
2001:db8::/32
198.51.100.7
"""


def test_covers_the_subtree_of_a_domain() -> None:
    optouts = parse(FILE.splitlines())
    assert optouts.covers("example.com")
    assert optouts.covers("_dmarc.example.com")
    assert not optouts.covers("anexample.com")
    assert not optouts.covers("com")
    assert not optouts.covers("ns1.example.net")


def test_covers_a_name_server_by_its_name_alone() -> None:
    optouts = parse(FILE.splitlines())
    assert optouts.covers_server("ns1.example.net")
    assert not optouts.covers_server("ns2.example.net")


@pytest.mark.parametrize(
    ("address", "covered"),
    [
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("2001:db8:ffff::1", True),
        ("2001:db9::1", False),
        ("198.51.100.7", True),
        ("198.51.100.8", False),
    ],
)
def test_covers_addresses_by_prefix(address: str, covered: bool) -> None:
    assert parse(FILE.splitlines()).covers_address(address) is covered


def test_nobody_opted_out() -> None:
    assert not NONE.covers("example.com")
    assert parse([]) == NONE


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("a..b", "line 2: 'a..b': 'a..b' has an empty label"),
        ("192.0.2.1/24", "line 2: '192.0.2.1/24': 192.0.2.1/24 has host bits set"),
        ("192.0.2", "line 2: '192.0.2'"),
        (".", "line 2: '.': the root would opt out everybody"),
        ("ns:", "line 2: 'ns:'"),
    ],
)
def test_says_which_line_is_wrong(line: str, fault: str) -> None:
    with pytest.raises(BadOptOutError) as raised:
        parse(["# fine", line])
    assert str(raised.value).startswith(fault)
