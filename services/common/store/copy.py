"""Many rows at once: COPY, and the upsert in which newer wins.

Rows are objects with an attribute per column. Times are microseconds since the epoch, JSONB
columns take anything that JSON can say.
"""

import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Connection, DateTime, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from services.common.messages.envelope import InvalidError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPECIAL = re.compile(r"[\\\n\r\t]")
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})
_NUL = r"\u0000"
_CHUNK = 1 << 16

Row = TypeVar("Row")

_json = json.JSONEncoder(separators=(",", ":")).encode


class Copy:
    """Adds rows to one table, all or none."""

    def __init__(self, table: Table, omit: Sequence[str] = ()) -> None:
        columns = [column for column in table.columns if column.name not in omit]
        self.names = [column.name for column in columns]
        self._values = attrgetter(*self.names)
        self._encoders = [_encoder(column.type) for column in columns]
        self._into = table.name

    def __call__(self, connection: Connection, rows: Iterable[object]) -> None:
        """Raises InvalidError for a value that no column can hold."""
        self.copy(connection, rows, self._into)

    def copy(self, connection: Connection, rows: Iterable[object], into: str) -> None:
        """Like calling it, into another table with these columns."""
        try:
            data = "".join([self._line(row) for row in rows]).encode()
        except (OverflowError, UnicodeEncodeError) as error:
            raise InvalidError(f"{into}: value cannot be stored: {error}") from error
        statement = f"COPY {into} ({', '.join(self.names)}) FROM STDIN"
        with closing(connection.connection.cursor()) as cursor:
            cursor.copy_expert(statement, io.BytesIO(data), _CHUNK)

    def _line(self, row: object) -> str:
        encoded = [
            "\\N" if value is None else encode(value)
            for encode, value in zip(self._encoders, self._values(row), strict=True)
        ]
        return "\t".join(encoded) + "\n"


class Upsert:
    """Puts rows into a table by its primary key; of two rows with one key the newer one stays,
    whichever comes first. `order` names the columns that say which is newer; at a draw the later
    one stays, but for the columns of `origin`: they change only together with the first of them.
    Key and order have two columns or more.
    """

    def __init__(
        self,
        table: Table,
        order: Sequence[str],
        omit: Sequence[str] = (),
        origin: Sequence[str] = (),
    ) -> None:
        key = [column.name for column in table.primary_key.columns]
        self._key: Callable[[object], tuple[Any, ...]] = attrgetter(*key)
        self._order: Callable[[object], Any] = attrgetter(*order)
        self._copy = Copy(table, omit)
        self._staging = f"staging_{table.name}"
        self._create = text(
            f"CREATE TEMP TABLE IF NOT EXISTS {self._staging} (LIKE {table.name})"
            " ON COMMIT DELETE ROWS"
        )
        changes = [_change(name, origin) for name in self._copy.names if name not in key]
        self._merge = text(_merge(table.name, self._staging, self._copy.names, key, order, changes))
        self._clear = text(f"DELETE FROM {self._staging}")

    def __call__(self, connection: Connection, rows: Iterable[Row]) -> list[Row]:
        """The rows that were taken; the others are older than what is there."""
        newest: dict[tuple[Any, ...], Row] = {}
        for row in rows:
            key = self._key(row)
            if key not in newest or self._order(row) >= self._order(newest[key]):
                newest[key] = row
        connection.execute(self._create)
        self._copy.copy(connection, newest.values(), self._staging)
        taken = [newest[tuple(key)] for key in connection.execute(self._merge)]
        connection.execute(self._clear)
        return taken


def _change(name: str, origin: Sequence[str]) -> str:
    if name not in origin[1:]:
        return f"{name} = excluded.{name}"
    same = f"excluded.{origin[0]} = stored.{origin[0]}"
    return f"{name} = CASE WHEN {same} THEN stored.{name} ELSE excluded.{name} END"


def _merge(
    table: str,
    staging: str,
    names: Sequence[str],
    key: Sequence[str],
    order: Sequence[str],
    changes: Sequence[str],
) -> str:
    """Sorted by key, so that two writers never wait for each other crosswise."""
    columns, keys = ", ".join(names), ", ".join(key)
    excluded = ", ".join(f"excluded.{name}" for name in order)
    stored = ", ".join(f"stored.{name}" for name in order)
    return (
        f"INSERT INTO {table} AS stored ({columns}) SELECT {columns} FROM {staging}"
        f" ORDER BY {keys} ON CONFLICT ({keys}) DO UPDATE SET {', '.join(changes)}"
        f" WHERE ({excluded}) >= ({stored}) RETURNING {keys}"
    )


def _encoder(kind: object) -> Callable[[Any], str]:
    """How COPY's text format writes a value of a column type."""
    if isinstance(kind, JSONB):
        return _json_text
    if isinstance(kind, DateTime):
        return lambda at: (_EPOCH + timedelta(microseconds=at)).isoformat()
    if isinstance(kind, LargeBinary):
        return lambda value: f"\\\\x{value.hex()}"
    if isinstance(kind, Text | Uuid):
        return _escaped
    return str


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES) if _SPECIAL.search(value) else value


def _json_text(value: object) -> str:
    encoded = _json(value)
    if _NUL in encoded:
        encoded = _json(_without_nul(value))
    return encoded.replace("\\", "\\\\")


def _without_nul(value: object) -> object:
    """JSONB cannot hold NUL: it becomes its escape of RFC 1035."""
    if isinstance(value, str):
        return value.replace("\0", "\\000")
    if isinstance(value, Mapping):
        return {_without_nul(name): _without_nul(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nul(part) for part in value]
    return value
