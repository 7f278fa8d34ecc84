"""Public suffixes and registrable names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.names import from_wire, is_subdomain
from services.common.reference.suffixes import public_suffixes, registrable

PUBLIC = public_suffixes(frozenset())
WORLD = public_suffixes(frozenset({"test"}))


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("example.com", "com"),
        ("com", "com"),
        ("www.bbc.co.uk", "co.uk"),
        ("me.github.io", "github.io"),
        ("www.ck", "ck"),
        ("a.b.ck", "b.ck"),
        ("a.xn--fiqs8s", "xn--fiqs8s"),
        ("a.test", ""),
        ("localhost", ""),
        (".", ""),
        ("a\\.com", ""),
        ("x\\.y.co.uk", "co.uk"),
        ("a\\000b.example.com", "com"),
        ("b.c\\046com", ""),
    ],
)
def test_the_suffix_of_a_name(name: str, suffix: str) -> None:
    assert PUBLIC(name) == suffix


def test_the_world_knows_test_too() -> None:
    assert WORLD("a.b.test") == "test"
    assert WORLD("test") == "test"
    assert WORLD("a.co.uk") == "co.uk"
    assert WORLD("a\\.test") == ""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("www.bbc.co.uk", "bbc.co.uk"),
        ("bbc.co.uk", "bbc.co.uk"),
        ("co.uk", ""),
        ("a.nowhere", ""),
        ("x\\.y.co.uk", "x\\.y.co.uk"),
        ("z.x\\.y.co.uk", "x\\.y.co.uk"),
    ],
)
def test_the_registrable_name(name: str, expected: str) -> None:
    assert registrable(name, PUBLIC) == expected


wire_names = st.lists(st.binary(min_size=1, max_size=20), max_size=8).map(
    lambda parts: from_wire(b"".join(bytes([len(p)]) + p for p in parts) + b"\0")
)


@given(wire_names)
def test_any_name_has_a_suffix_that_it_lies_in(name: str) -> None:
    suffix = PUBLIC(name)
    assert suffix == "" or is_subdomain(name, suffix)
    own = registrable(name, PUBLIC)
    assert own == "" or is_subdomain(name, own)
