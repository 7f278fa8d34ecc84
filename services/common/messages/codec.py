"""Avro single-object encoding of every payload, read and written by the schemas shipped here.

Source: Apache Avro 1.12 specification, "Single-object encoding". A message names its writer's
schema by fingerprint, so one that is years old still reads.
"""

import io
import json
from functools import cache
from importlib.resources import files
from typing import Any

import fastavro
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from services.common.messages.envelope import InvalidError

MARKER = b"\xc3\x01"
HEADER_SIZE = len(MARKER) + 8


class UndecodableError(InvalidError):
    """The bytes are no message of this topic; the text says what is wrong with them."""


class Codec:
    """Encodes and decodes the payloads of one topic.

    `only` names the fields to decode; the others are skipped, not built.
    """

    def __init__(self, topic: str, only: tuple[str, ...] | None = None) -> None:
        self.topic = topic
        self._writers, newest = _schemas(topic)
        self._schema = self._writers[newest]
        self._header = MARKER + newest
        reader = self._schema if only is None else _project(self._schema, only)
        self._readers = dict.fromkeys(self._writers, reader)
        if only is None:
            self._readers[newest] = None

    def encode(self, record: dict[str, Any]) -> bytes:
        out = io.BytesIO()
        out.write(self._header)
        fastavro.schemaless_writer(out, self._schema, record)
        return out.getvalue()

    def decode(self, payload: bytes | None) -> dict[str, Any]:
        """Raises UndecodableError for anything but one whole message of this topic."""
        if not payload or payload[:2] != MARKER or len(payload) < HEADER_SIZE:
            raise UndecodableError(f"not an Avro single-object message of {self.topic}")
        name = payload[2:HEADER_SIZE]
        writer = self._writers.get(name)
        if writer is None:
            raise UndecodableError(f"schema fingerprint {name.hex()} is not known for {self.topic}")
        stream = io.BytesIO(payload)
        stream.seek(HEADER_SIZE)
        try:
            record = fastavro.schemaless_reader(stream, writer, self._readers[name])
        except Exception as error:  # fastavro raises whatever the bytes lead it into
            raise UndecodableError(f"cut off or damaged: {type(error).__name__}") from error
        if stream.tell() != len(payload):
            raise UndecodableError(f"{len(payload) - stream.tell()} bytes after the message")
        assert isinstance(record, dict)  # noqa: S101  # every top-level schema is a record
        return record


def texts(topic: str) -> dict[int, str]:
    """The published schemas of a topic by version, as they were written."""
    folder = files("schemas") / topic
    entries = [entry for entry in folder.iterdir() if entry.name.endswith(".avsc")]
    return {int(entry.name[1:-5]): entry.read_text("utf-8") for entry in entries}


def schema(topic: str, version: int) -> Any:
    """One published schema, parsed, as the code uses it: times are integers."""
    return parse_schema(_without_logical_types(json.loads(texts(topic)[version])))


@cache
def _schemas(topic: str) -> tuple[dict[bytes, Any], bytes]:
    """All published schemas of a topic by fingerprint, and the newest one's fingerprint."""
    known: dict[bytes, Any] = {}
    newest = b""
    for version in sorted(texts(topic)):
        parsed = schema(topic, version)
        canonical = to_parsing_canonical_form(parsed)
        newest = bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))
        known[newest] = parsed
    return known, newest


def _without_logical_types(schema: Any) -> Any:
    """Times stay integers in the code: microseconds compare and copy without conversion."""
    if isinstance(schema, dict):
        return {k: _without_logical_types(v) for k, v in schema.items() if k != "logicalType"}
    if isinstance(schema, list):
        return [_without_logical_types(part) for part in schema]
    return schema


def _project(schema: Any, only: tuple[str, ...]) -> Any:
    by_name = {field["name"]: field for field in schema["fields"]}
    named: dict[str, Any] = {}
    _collect_named(schema, named)
    written: set[str] = set()
    fields = [_expanded(by_name[name], named, written) for name in only]
    return parse_schema({"type": "record", "name": schema["name"], "fields": fields})


def _collect_named(schema: Any, named: dict[str, Any]) -> None:
    if isinstance(schema, list):
        for part in schema:
            _collect_named(part, named)
    elif isinstance(schema, dict):
        if schema.get("type") == "record":
            named[schema["name"]] = schema
        for value in schema.values():
            _collect_named(value, named)


def _expanded(schema: Any, named: dict[str, Any], written: set[str]) -> Any:
    """The schema with its first use of each named type written out: a projection may have dropped
    the field that defined it."""
    if isinstance(schema, str):
        if schema in named and schema not in written:
            return _expanded(named[schema], named, written)
        return schema
    if isinstance(schema, list):
        return [_expanded(part, named, written) for part in schema]
    if isinstance(schema, dict):
        schema = {k: v for k, v in schema.items() if not k.startswith("__")}
        if schema.get("type") == "record":
            if schema["name"] in written:
                return schema["name"]
            written.add(schema["name"])
            fields = [_expanded(field, named, written) for field in schema["fields"]]
            return schema | {"fields": fields}
        if schema.get("type") == "array":
            return schema | {"items": _expanded(schema["items"], named, written)}
        return schema | {"type": _expanded(schema["type"], named, written)}
    return schema
