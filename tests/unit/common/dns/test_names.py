import re

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.names import (
    BadNameError,
    from_wire,
    is_subdomain,
    labels,
    normalise,
    parent,
    to_wire,
)
from tests.unit.common.dns.strategies import names


@given(names())
def test_agrees_with_dnspython_in_both_directions(name: dns.name.Name) -> None:
    wire = name.to_wire() or b""
    text = from_wire(wire)
    assert text == (name.canonicalize().to_text(omit_final_dot=True) if len(name) > 1 else ".")
    assert to_wire(text) == wire.lower()
    assert normalise(text) == text


@given(st.text(max_size=300))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        name = normalise(text)
    except BadNameError:
        return
    assert normalise(name) == name


@given(st.binary(max_size=300))
def test_any_bytes_are_a_name_or_refused(wire: bytes) -> None:
    try:
        text = from_wire(wire)
    except BadNameError:
        return
    assert to_wire(text) == wire.lower()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Example.COM.", "example.com"),
        (".", "."),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("a\\.b.example", "a\\.b.example"),
        ("\\097.example", "a.example"),
        ("a b.example", "a\\032b.example"),
        ("a\\\\.", "a\\\\"),
        ("a\\.", "a\\."),
        ("\\000.example", "\\000.example"),
    ],
)
def test_writes_a_name_in_one_way(written: str, name: str) -> None:
    assert normalise(written) == name


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty label"),
        ("..", "empty label"),
        (".example", "empty label"),
        ("a..b", "empty label"),
        ("a\\.b..c", "empty label"),
        ("bücher.example", "outside ASCII"),
        ("x" * 64 + ".example", "longer than 63"),
        (".".join(["x" * 63] * 4), "longer than 255"),
        ("a\\256.example", "above \\255"),
        ("a\\25.example", "unfinished escape"),
        ("a\\", "unfinished escape"),
    ],
)
def test_says_what_is_wrong_with_a_name(text: str, fault: str) -> None:
    with pytest.raises(BadNameError, match=re.escape(fault)):
        normalise(text)


@pytest.mark.parametrize("wire", [b"", b"\x01a", b"\0\0", b"\x02a\0", b"\x40" + b"a" * 64 + b"\0"])
def test_refuses_bytes_that_are_not_one_name(wire: bytes) -> None:
    with pytest.raises(BadNameError):
        from_wire(wire)


def test_climbs_label_by_label() -> None:
    assert parent("a\\.b.example.com") == "example.com"
    assert parent("com") == "."
    assert parent(".") == "."
    assert labels("a\\.b.example") == ["a\\.b", "example"]
    assert labels(".") == []


@pytest.mark.parametrize(
    ("name", "of", "below"),
    [
        ("a.example", "example", True),
        ("example", "example", True),
        ("example", ".", True),
        ("anexample", "example", False),
        ("example", "a.example", False),
        ("a\\.example", "example", False),
        ("a\\\\.example", "example", True),
    ],
)
def test_tells_what_is_below(name: str, of: str, below: bool) -> None:
    assert is_subdomain(name, of) is below
