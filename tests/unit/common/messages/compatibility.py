"""Whether messages written by one schema can be read by another (Avro 1.12, Schema Resolution)."""

from collections.abc import Iterator
from typing import Any

PROMOTIONS = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}


def faults(reader: Any, writer: Any) -> list[str]:
    """Why `reader` cannot read what `writer` wrote, and every logicalType that changed."""
    return list(_Pair(reader, writer).faults(reader, writer, "message"))


class _Pair:
    def __init__(self, reader: Any, writer: Any) -> None:
        self._reader_names = dict(_named(reader))
        self._writer_names = dict(_named(writer))

    def faults(self, reader: Any, writer: Any, at: str) -> Iterator[str]:
        reader = self._reader_names.get(reader, reader) if isinstance(reader, str) else reader
        writer = self._writer_names.get(writer, writer) if isinstance(writer, str) else writer
        if _logical(reader) != _logical(writer):
            yield f"{at}: logicalType {_logical(writer)} became {_logical(reader)}"
        if isinstance(reader, list) or isinstance(writer, list):
            yield from self._unions(_branches(reader), _branches(writer), at)
        elif _kind(reader) != _kind(writer):
            if _kind(reader) not in PROMOTIONS.get(_kind(writer), set()):
                yield f"{at}: {_kind(writer)} cannot be read as {_kind(reader)}"
        else:
            yield from self._inside(reader, writer, at)

    def _unions(self, reader: list[Any], writer: list[Any], at: str) -> Iterator[str]:
        for branch in writer:
            if all(list(self.faults(candidate, branch, at)) for candidate in reader):
                yield f"{at}: {_kind(branch)} is in no branch of the reader's union"

    def _inside(self, reader: Any, writer: Any, at: str) -> Iterator[str]:
        kind = _kind(reader)
        if kind == "enum":
            yield f"{at}: an enum; what may grow is a string"
        elif kind == "record":
            yield from self._fields(reader, writer, at)
        elif kind == "array":
            yield from self.faults(reader["items"], writer["items"], f"{at}[]")
        elif kind == "map":
            yield from self.faults(reader["values"], writer["values"], f"{at}{{}}")

    def _fields(self, reader: Any, writer: Any, at: str) -> Iterator[str]:
        if reader["name"] != writer["name"]:
            yield f"{at}: record {writer['name']} was renamed {reader['name']}"
        written = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            inside = f"{at}.{field['name']}"
            if field["name"] in written:
                yield from self.faults(field["type"], written[field["name"]]["type"], inside)
            elif "default" not in field:
                yield f"{inside}: is not written and has no default"


def _kind(schema: Any) -> str:
    return str(schema["type"] if isinstance(schema, dict) else schema)


def _logical(schema: Any) -> str | None:
    return schema.get("logicalType") if isinstance(schema, dict) else None


def _branches(schema: Any) -> list[Any]:
    return schema if isinstance(schema, list) else [schema]


def _named(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") in ("record", "enum", "fixed"):
            yield schema["name"], schema
        for part in schema.values():
            yield from _named(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _named(part)
