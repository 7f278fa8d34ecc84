"""Macros of SPF (RFC 7208 section 7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.names import BadNameError, normalise
from services.common.records.spf_macro import (
    Macro,
    SpecError,
    read_domain_spec,
    read_macro_string,
)


def expanded(spec: str, domain: str = "email.example.com") -> str:
    return read_domain_spec(spec).expand(domain)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("_spf.%{d}", "_spf.email.example.com"),
        ("%{D}", "email.example.com"),
        ("Mail.Example.COM.", "mail.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    ],
)
def test_examples_of_section_7_4(spec: str, name: str) -> None:
    assert expanded(spec) == name


def test_delimiters() -> None:
    assert expanded("%{d-}.x.example", "a-b.c") == "a.b.c.x.example"
    assert expanded("%{d1-}.x.example", "a-b.c") == "b.c.x.example"
    assert expanded("%{dr-.}.x.example", "a-b.c") == "c.b.a.x.example"


def test_escapes() -> None:
    assert read_macro_string("a%%b%_c%-d").parts == ("a", "%", "b", " ", "c", "%20", "d")


def test_a_macro_keeps_its_case_and_literals_do_not() -> None:
    spec = read_domain_spec("ABC.%{Dr-}")
    assert spec.text == "abc.%{Dr-}"
    assert spec.parts == ("abc.", Macro("D", 0, True, "-"))


@pytest.mark.parametrize("spec", ["%{i}.x.example", "%{l}.x.example", "%{s}", "%{h}", "%{v}.a.b"])
def test_what_depends_on_the_message(spec: str) -> None:
    assert not read_domain_spec(spec).static


def test_static() -> None:
    assert read_domain_spec("_spf.%{d}").static
    assert read_domain_spec("x.example").static


@pytest.mark.parametrize("spec", ["", "localhost", "x.123", "x.-a", "x.a-", "x..", "a b.example"])
def test_no_domain_spec(spec: str) -> None:
    with pytest.raises(SpecError):
        read_domain_spec(spec)


@pytest.mark.parametrize("spec", ["x.a1", "x.1a", "x.1-2", "x.xn--p1ai", ".example", "a=b.example"])
def test_a_domain_spec(spec: str) -> None:
    assert read_domain_spec(spec).static


@pytest.mark.parametrize(
    "spec", ["%", "%{", "%{}", "%{d", "%{dd}", "%{d0}", "%{d.r}", "%a", "%{z}"]
)
def test_no_macro(spec: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_domain_spec(spec + ".example")
    assert caught.value.in_macro


@pytest.mark.parametrize("letter", "cCrRtT")
def test_letters_of_explanations(letter: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_domain_spec(f"%{{{letter}}}.example.com")
    assert caught.value.in_macro
    read_macro_string(f"%{{{letter}}}")


def test_long_names_lose_labels_on_the_left() -> None:
    domain = ".".join(["a" * 60, "b" * 60, "c" * 60, "d" * 60])
    assert expanded("x.yy.example.%{d}", domain) == f"example.{domain}"


@pytest.mark.parametrize("spec", ["a..example.com", ".example", "a" * 64 + ".example"])
def test_no_name(spec: str) -> None:
    with pytest.raises(BadNameError):
        expanded(spec)


@given(st.text(alphabet="ab.-%{}dDr12_=/", max_size=30))
def test_any_text_gives_a_name_or_one_of_two_errors(text: str) -> None:
    try:
        spec = read_domain_spec(text)
        name = spec.expand("mail.example.com") if spec.static else "x"
    except (SpecError, BadNameError):
        return
    assert normalise(name) == name


@given(st.text(alphabet="ab.-%{}dDr12_=/", max_size=30))
def test_the_text_of_a_spec_reads_as_the_same_spec(text: str) -> None:
    try:
        spec = read_macro_string(text)
    except SpecError:
        return
    assert read_macro_string(spec.text) == spec
