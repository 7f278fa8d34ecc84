"""SPF records by the grammar of RFC 7208 section 12."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.records.spf import SpfRecord, is_spf, parse
from services.common.records.spf_network import Network
from services.common.records.spf_term import FaultCode, Mechanism, Modifier


def faults(text: str) -> list[FaultCode]:
    return [fault.code for fault in parse(text).faults]


def only(text: str) -> Mechanism:
    """The only term of a record without fault."""
    record = parse(f"v=spf1 {text}")
    assert record.faults == ()
    (term,) = record.terms
    assert isinstance(term, Mechanism)
    return term


@pytest.mark.parametrize("text", ["v=spf1", "v=spf1 ", "V=SPF1 -all", "v=spf1  a"])
def test_a_receiver_takes_it(text: str) -> None:
    assert is_spf(text)
    assert parse(text).faults == ()


@pytest.mark.parametrize(
    "text", ["", "v=spf", "v=spf10 -all", " v=spf1", "v=spf1\ta", "v=spf1;", "spf1 a", '"v=spf1"']
)
def test_a_receiver_passes_over_it(text: str) -> None:
    assert not is_spf(text)
    assert faults(text) == [FaultCode.VERSION]


def test_qualifiers() -> None:
    record = parse("v=spf1 a +a -a ~a ?a")
    assert [t.qualifier for t in record.terms if isinstance(t, Mechanism)] == list("++-~?")


def test_dual_cidr() -> None:
    assert (only("a").prefix4, only("a").prefix6) == (32, 128)
    assert (only("mx/24").prefix4, only("mx/24").prefix6) == (24, 128)
    assert (only("a//64").prefix4, only("a//64").prefix6) == (32, 64)
    both = only("a:mail.example.com/0//0")
    assert (both.prefix4, both.prefix6) == (0, 0)
    assert both.spec is not None
    assert both.spec.text == "mail.example.com"


def test_a_slash_may_be_part_of_a_name_with_macros() -> None:
    spec = only("exists:%{i}/24._spf.example.com").spec
    assert spec is not None
    assert spec.text == "%{i}/24._spf.example.com"


def test_networks() -> None:
    assert only("ip4:192.0.2.1").network == Network(4, 0xC0000201, 32)
    assert only("IP4:192.0.2.1/0").network == Network(4, 0xC0000201, 0)
    assert only("ip6:2001:db8::1/32").network == Network(6, 0x20010DB8 << 96 | 1, 32)
    assert only("ip6:::ffff:192.0.2.1").network == Network(6, 0xFFFFC0000201, 128)


def test_modifiers_anywhere() -> None:
    record = parse("v=spf1 redirect=_spf.example.com foo.bar-1_= a exp=why.example.com")
    assert record.faults == ()
    assert [str(term) for term in record.terms] == [
        "redirect=_spf.example.com",
        "foo.bar-1_=",
        "a",
        "exp=why.example.com",
    ]


def test_what_a_receiver_evaluates() -> None:
    record = parse("v=spf1 redirect=x.example a mx")
    assert [str(term) for term in record.effective] == ["a", "mx", "redirect=x.example"]
    ended = parse("v=spf1 redirect=x.example a ~all mx -all")
    assert [str(term) for term in ended.effective] == ["a", "~all"]
    assert [str(term) for term in ended.ignored] == ["mx", "-all"]
    assert str(ended.all) == "~all"


@pytest.mark.parametrize(
    ("term", "code"),
    [
        ("foo", FaultCode.MECHANISM),
        ("account:foo", FaultCode.MECHANISM),
        ("mail.example.com", FaultCode.MECHANISM),
        ("192.0.2.1", FaultCode.MECHANISM),
        ("--all", FaultCode.MECHANISM),
        ("-", FaultCode.MECHANISM),
        ("all:x", FaultCode.MECHANISM),
        ("all/8", FaultCode.MECHANISM),
        ("-redirect=x.example", FaultCode.MECHANISM),
        ("include", FaultCode.INCLUDE),
        ("include:", FaultCode.INCLUDE),
        ("include:localhost", FaultCode.INCLUDE),
        ("include:x.example/24", FaultCode.INCLUDE),
        ("include/24", FaultCode.INCLUDE),
        ("a:", FaultCode.A),
        ("a:192.0.2.1", FaultCode.A),
        ("a:x.-example", FaultCode.A),
        ("mx:x.example-", FaultCode.MX),
        ("a/33", FaultCode.CIDR),
        ("a/", FaultCode.CIDR),
        ("a/024", FaultCode.CIDR),
        ("a//129", FaultCode.CIDR),
        ("mx/x", FaultCode.CIDR),
        ("ptr:", FaultCode.PTR),
        ("exists", FaultCode.EXISTS),
        ("redirect", FaultCode.REDIRECT),
        ("redirect=", FaultCode.REDIRECT),
        ("redirect:x.example", FaultCode.REDIRECT),
        ("exp=", FaultCode.EXP),
        ("exists:%{q}.example", FaultCode.MACRO),
        ("exists:%{d0}.example", FaultCode.MACRO),
        ("exists:%{c}.example", FaultCode.MACRO),
        ("exists:100%.example", FaultCode.MACRO),
        ("foo=%{", FaultCode.MACRO),
        ("ip4", FaultCode.IP4_MISSING),
        ("ip4:", FaultCode.IP4_MISSING),
        ("ip4/24", FaultCode.IP4_MISSING),
        ("ip4:192.0.2", FaultCode.IP4_VALUE),
        ("ip4:192.0.2.256", FaultCode.IP4_VALUE),
        ("ip4:192.0.2.01", FaultCode.IP4_VALUE),
        ("ip4:192.0.2.1/33", FaultCode.IP4_CIDR),
        ("ip4:192.0.2.1/", FaultCode.IP4_CIDR),
        ("ip4:2001:db8::1", FaultCode.IP6_IN_IP4),
        ("ip6", FaultCode.IP6_MISSING),
        ("ip6:[2001:db8::1]", FaultCode.IP6_VALUE),
        ("ip6:fe80::1%eth0", FaultCode.IP6_VALUE),
        ("ip6:2001:db8::1/129", FaultCode.IP6_CIDR),
        ("ip6:192.0.2.1", FaultCode.IP4_IN_IP6),
        ("\u00e2all", FaultCode.CHARACTER),
        ("a\tmx", FaultCode.CHARACTER),
        ("a\x00", FaultCode.CHARACTER),
    ],
)
def test_one_fault(term: str, code: FaultCode) -> None:
    record = parse(f"v=spf1 mx {term} -all")
    assert [(fault.code, fault.term, fault.position) for fault in record.faults] == [
        (code, term, 10)
    ]
    assert [str(kept) for kept in record.terms] == ["mx", "-all"]


def test_every_fault_is_found() -> None:
    assert faults("v=spf1 foo ip4:x include:") == [
        FaultCode.MECHANISM,
        FaultCode.IP4_VALUE,
        FaultCode.INCLUDE,
    ]


def test_redirect_and_exp_stand_once() -> None:
    text = "v=spf1 redirect=a.example exp=b.example REDIRECT=c.example exp=d.example"
    assert faults(text) == [FaultCode.DUPLICATE_REDIRECT, FaultCode.DUPLICATE_EXP]


@pytest.mark.parametrize(
    ("term", "following"),
    [
        ("ip4:192.0.2.1include:x.example", "include:"),
        ("include:x.example~all", "~all"),
        ("ip4:192.0.2.1+ip4:192.0.2.2", "+ip4:"),
    ],
)
def test_terms_that_run_together(term: str, following: str) -> None:
    (fault,) = parse(f"v=spf1 {term}").faults
    assert fault.reason.endswith(f"; a space seems to be missing before {following}")


def test_an_empty_term_is_no_missing_space() -> None:
    (fault,) = parse("v=spf1 +include:").faults
    assert "space" not in fault.reason


TERM = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "+", "-", "~", "?", "=", ":"]),
        st.sampled_from(
            ["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists", "redirect", "exp", "x-y"]
        ),
        st.sampled_from(["", ":", "=", "/", "//"]),
        st.sampled_from(
            ["", "x.example", "X.Example.", "%{d2r-}.x", "%{L}", "%%", "192.0.2.1", "2001:DB8::1"]
        ),
        st.sampled_from(["", "/24", "//64", "/24//64", "/0", "/129"]),
    ),
)
RECORD = st.lists(st.one_of(TERM, st.text(max_size=12)), max_size=8).map(
    lambda terms: " ".join(["v=spf1", *terms])
)


@given(st.one_of(st.text(), RECORD))
def test_parsing_never_fails_and_keeps_the_text(text: str) -> None:
    record = parse(text)
    assert record.text == text
    for fault in record.faults:
        assert text[fault.position :].startswith(fault.term)


@given(RECORD)
def test_what_is_parsed_reads_the_same_when_written(text: str) -> None:
    record = parse(text)
    again = parse(str(record))
    assert again.terms == record.terms
    assert {fault.code for fault in again.faults} <= {
        FaultCode.DUPLICATE_REDIRECT,
        FaultCode.DUPLICATE_EXP,
    }
    assert str(again) == str(record)


@given(RECORD)
def test_terms_are_evaluated_ignored_or_modifiers(text: str) -> None:
    record: SpfRecord = parse(text)
    mechanisms = [term for term in record.terms if isinstance(term, Mechanism)]
    evaluated = [term for term in record.effective if isinstance(term, Mechanism)]
    assert [*evaluated, *record.ignored] == mechanisms
    assert all(
        isinstance(t, Modifier) and t.name == "redirect" for t in record.effective[len(evaluated) :]
    )


@pytest.mark.parametrize(
    "text",
    [
        "a:" + "a" * 65_000 + "!",
        "a:" + "/1" * 32_000,
        "exists:" + "%{d}" * 16_000 + "x",
        " ".join(["redirect=x.example"] * 3_000),
        "ip6:" + ":" * 65_000,
        " " * 65_000,
        "x" + "-all" * 16_000,
    ],
    ids=["label", "slashes", "macros", "redirects", "colons", "spaces", "endings"],
)
def test_the_longest_records_are_read_in_no_time(text: str) -> None:
    start = time.process_time()
    parse(f"v=spf1 {text}")
    assert time.process_time() - start < 2
