"""MX records and the names in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.names import from_wire
from services.common.records.mx import Form, MxRecord, form_of, parse_mx, read_mx


def test_a_record() -> None:
    record = parse_mx("10 mx.example.com")
    assert record == MxRecord(10, "mx.example.com")
    assert record is not None
    assert not record.null


def test_the_null_mx() -> None:
    record = parse_mx("0 .")
    assert record is not None
    assert record.null


@pytest.mark.parametrize(
    "text",
    ["", "10", "10 ", "taco mail.example.com", "10 10 10", "65536 a.b", "-1 a.b", "\u0661 a.b"],
)
def test_what_is_no_record(text: str) -> None:
    assert parse_mx(text) is None


def test_records_in_the_order_of_a_sender() -> None:
    records = read_mx(("20 a.example", "9 z.example", "9 b.example", "nonsense"))
    assert [record.exchange for record in records] == ["b.example", "z.example", "a.example"]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("mx.example.com", Form.HOST),
        ("163mx.qq.com", Form.HOST),
        ("t.co", Form.HOST),
        ("com", Form.HOST),
        ("_x.example.com", Form.UNDERSCORED),
        ("a_b.example.com", Form.UNDERSCORED),
        (".", Form.NULL),
        ("192.0.2.1", Form.ADDRESS),
        ("[192.0.2.1]", Form.ADDRESS),
        ("2001:db8::1", Form.ADDRESS),
        ("localhost", Form.LOCAL),
        ("mail.localdomain", Form.LOCAL),
        ("ms1.msv1.invalid", Form.OWNERSHIP),
        ("123", Form.SYNTAX),
        ("mail.example.123", Form.SYNTAX),
        ("-a.example.com", Form.SYNTAX),
        ("a-.example.com", Form.SYNTAX),
        ("first\\.last.example.com", Form.SYNTAX),
        ("mail\\032server.example.com", Form.SYNTAX),
    ],
)
def test_forms(name: str, form: Form) -> None:
    assert form_of(name) is form


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    record = parse_mx(text)
    assert record is None or text == f"{text.partition(' ')[0]} {record.exchange}"


@given(st.integers(0, 65535), st.lists(st.binary(min_size=1, max_size=63), max_size=3))
def test_whatever_is_on_the_wire_is_a_record(preference: int, labels: list[bytes]) -> None:
    name = from_wire(b"".join(bytes([len(label)]) + label for label in labels) + b"\0")
    record = parse_mx(f"{preference} {name}")
    assert record == MxRecord(preference, name)
    assert record.null == (not labels)
    assert isinstance(form_of(record.exchange), Form)
