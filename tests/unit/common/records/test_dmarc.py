"""DMARC records as receivers of RFC 9989 read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.records.dmarc import (
    FaultKind,
    Policy,
    Scope,
    is_dmarc,
    near_miss,
    parse_dmarc,
    read_dmarc,
)

RUA = "rua=mailto:a@example.com"


def faults(text: str) -> list[tuple[FaultKind, str]]:
    return [(fault.kind, fault.tag) for fault in parse_dmarc(text).faults]


@pytest.mark.parametrize(
    "text", ["v=DMARC1", "v=DMARC1;", "v = DMARC1 ; p=none", "v=DMARC1;p=none", "v=DMARC1\t;"]
)
def test_records(text: str) -> None:
    assert is_dmarc(text)
    assert near_miss(text) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" v=DMARC1; p=none", "white space"),
        ('"v=DMARC1; p=none"', "quotation marks"),
        ("v=DMARC1\\; p=none", "backslash"),
        ("v=dmarc1; p=none", "exactly so"),
        ("V=DMARC1; p=none", "exactly so"),
        ("v=DMARC1 p=none", "no semicolon"),
        ("v=DMARC10; p=none", "version"),
        ("v=DMARC2; p=none", "version"),
        ("p=none; v=DMARC1", "not the first"),
        ("dmarc", "does not start"),
    ],
)
def test_near_misses(text: str, reason: str) -> None:
    assert not is_dmarc(text)
    assert reason in near_miss(text)


@pytest.mark.parametrize("text", ["", "v=spf1 -all", "\0\xff"])
def test_other_texts(text: str) -> None:
    assert not is_dmarc(text)
    assert near_miss(text) == ""


def test_defaults() -> None:
    record = parse_dmarc("v=DMARC1; p=none")
    assert (record.adkim, record.aspf, record.psd, record.testing) == ("r", "r", "u", False)
    assert (record.sp, record.np, record.fo, record.rua, record.ruf) == (None, None, (), (), ())
    assert record.faults == ()


def test_every_tag() -> None:
    record = parse_dmarc(
        "v=DMARC1; p=REJECT; sp=quarantine; np=none; adkim=S; aspf=s; fo=1:D:s; psd=n; t=y; "
        f"{RUA},mailto:b@example.com; ruf=mailto:c@example.com"
    )
    assert (record.p, record.sp, record.np) == (Policy.REJECT, Policy.QUARANTINE, Policy.NONE)
    assert (record.adkim, record.aspf, record.psd, record.testing) == ("s", "s", "n", True)
    assert record.fo == ("1", "d", "s")
    assert [uri.address for uri in record.rua] == ["a@example.com", "b@example.com"]
    assert [uri.address for uri in record.ruf] == ["c@example.com"]
    assert record.faults == ()
    assert record.value("p") == "REJECT"


@pytest.mark.parametrize(
    ("tags", "p", "sp", "np"),
    [
        ("p=reject", "reject", "reject", "reject"),
        ("p=reject; sp=none", "reject", "none", "none"),
        ("p=none; np=reject", "none", "none", "reject"),
        ("p=none; sp=quarantine; np=reject", "none", "quarantine", "reject"),
        ("p=reject; t=y", "quarantine", "quarantine", "quarantine"),
        ("p=quarantine; sp=reject; t=y", "none", "quarantine", "quarantine"),
    ],
)
def test_effective_policies(tags: str, p: str, sp: str, np: str) -> None:
    record = parse_dmarc(f"v=DMARC1; {tags}")
    assert [record.effective(scope) for scope in Scope] == [p, sp, np]


@pytest.mark.parametrize("tags", ["", "p=x", "p=reject; sp=x", "p=reject; np=", "p=none; p=reject"])
def test_without_a_valid_policy_a_valid_address_decides(tags: str) -> None:
    assert not parse_dmarc(f"v=DMARC1; {tags}").applied
    assert not parse_dmarc(f"v=DMARC1; {tags}; rua=x").applied
    monitored = parse_dmarc(f"v=DMARC1; {tags}; {RUA}")
    assert monitored.applied
    assert not monitored.sound
    assert {monitored.effective(scope) for scope in Scope} == {Policy.NONE}


@pytest.mark.parametrize(
    ("tags", "fault"),
    [
        ("adkim=x", (FaultKind.INVALID, "adkim")),
        ("t=", (FaultKind.INVALID, "t")),
        ("psd=yes", (FaultKind.INVALID, "psd")),
        ("fo=2", (FaultKind.INVALID, "fo")),
        ("fo=d:d", (FaultKind.INVALID, "fo")),
        ("fo=0:1", (FaultKind.CONFLICT, "fo")),
        ("pct=101", (FaultKind.INVALID, "pct")),
        ("ri=4294967296", (FaultKind.INVALID, "ri")),
        ("rf=iodef", (FaultKind.INVALID, "rf")),
        ("x=y", (FaultKind.UNKNOWN, "x")),
        ("SP=none", (FaultKind.CASE, "SP")),
        ("nonsense", (FaultKind.MALFORMED, "")),
        ("sp=none; sp=none", (FaultKind.DUPLICATE, "sp")),
        ("sp=none; sp=reject", (FaultKind.CONTRADICTION, "sp")),
        ("v=DMARC1", (FaultKind.DUPLICATE, "v")),
        ("v=DMARC2", (FaultKind.CONTRADICTION, "v")),
        ("x=\xa0", (FaultKind.CHARACTER, "")),
    ],
)
def test_faults(tags: str, fault: tuple[FaultKind, str]) -> None:
    assert fault in faults(f"v=DMARC1; p=reject; {tags}")


@pytest.mark.parametrize("tags", ["pct=0", "pct=100", "ri=0", "ri=4294967295", "rf=afrf"])
def test_historic_tags_in_order(tags: str) -> None:
    assert faults(f"v=DMARC1; p=reject; {tags}") == []


def test_records_among_other_texts() -> None:
    assert [r.text for r in read_dmarc(("v=spf1 -all", "v=DMARC1; p=none"))] == ["v=DMARC1; p=none"]


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert is_dmarc(text) == (read_dmarc((text,)) != ())
    record = parse_dmarc("v=DMARC1;" + text)
    for scope in Scope:
        assert record.effective(scope).rank <= record.requested(scope).rank


@given(st.lists(st.sampled_from(["p", "sp", "np", "t", "rua", "pct", "fo", "x"]), unique=True))
def test_the_order_of_tags_changes_no_policy(names: list[str]) -> None:
    values = {"p": "reject", "sp": "none", "np": "x", "t": "y", "rua": RUA[4:], "pct": "1"}
    tags = [f"{name}={values.get(name, 'd')}" for name in names]
    there = parse_dmarc("v=DMARC1;" + ";".join(tags))
    back = parse_dmarc("v=DMARC1;" + ";".join(reversed(tags)))
    assert there.applied == back.applied
    assert [there.effective(s) for s in Scope] == [back.effective(s) for s in Scope]
