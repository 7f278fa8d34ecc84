"""The check itself: each change that would strand a reader is seen."""

from typing import Any

import pytest

from tests.unit.common.messages.compatibility import faults


def record(*fields: dict[str, Any], name: str = "Message") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


def field(kind: Any, name: str = "one", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind} | more


NESTED = record(field("long"), name="Nested")
TIME = {"type": "long", "logicalType": "timestamp-micros"}

READABLE = {
    "the same": (record(field("string")), record(field("string"))),
    "a field less": (record(), record(field("string"))),
    "a field more, with a default": (record(field("string", default="")), record()),
    "a wider number": (record(field("double")), record(field("int"))),
    "a wider union": (record(field(["null", "int"])), record(field("int"))),
    "a type by its name": (
        record(field(NESTED), field("Nested", "two")),
        record(field(NESTED), field("Nested", "two")),
    ),
    "the same time": (record(field(TIME)), record(field(TIME))),
    "a map": (
        record(field({"type": "map", "values": "long"})),
        record(field({"type": "map", "values": "int"})),
    ),
}
STRANDED = {
    "a field more": (record(field("string")), record(), "message.one: is not written"),
    "another type": (record(field("string")), record(field("long")), "long cannot be read as"),
    "a narrower number": (record(field("int")), record(field("long")), "long cannot be read as"),
    "a narrower union": (record(field("int")), record(field(["null", "int"])), "null is in no"),
    "another name": (record(name="Other"), record(), "was renamed"),
    "inside an array": (
        record(field({"type": "array", "items": record(field("long"), name="Item")})),
        record(field({"type": "array", "items": record(name="Item")})),
        "message.one[].one: is not written",
    ),
    "a logicalType gone": (record(field("long")), record(field(TIME)), "timestamp-micros became"),
    "an enum": (
        record(field({"type": "enum", "name": "Status", "symbols": ["A"]})),
        record(field({"type": "enum", "name": "Status", "symbols": ["A"]})),
        "what may grow is a string",
    ),
}


@pytest.mark.parametrize(("reader", "writer"), READABLE.values(), ids=READABLE)
def test_what_can_be_read_passes(reader: Any, writer: Any) -> None:
    assert faults(reader, writer) == []


@pytest.mark.parametrize(("reader", "writer", "fault"), STRANDED.values(), ids=STRANDED)
def test_what_strands_a_reader_is_named(reader: Any, writer: Any, fault: str) -> None:
    [found] = faults(reader, writer)
    assert fault in found
