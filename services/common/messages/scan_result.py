"""The evidence of one site in one run."""

from dataclasses import dataclass, fields
from operator import attrgetter, itemgetter
from typing import Any

from services.common.dns.lookup import Lookup
from services.common.dns.status import Status
from services.common.messages.codec import Codec, UndecodableError
from services.common.messages.topics import SCAN_RESULTS

_CODEC = Codec(SCAN_RESULTS)
_LOOKUP_FIELDS = tuple(field.name for field in fields(Lookup))
_lookup_values = attrgetter(*_LOOKUP_FIELDS)
_field_values = itemgetter(*_LOOKUP_FIELDS)


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Times are microseconds since the epoch. Scans are ordered by (finished_at, scan_id)."""

    run_id: int
    site_id: int
    domain: str
    rank: int
    batch: int
    scan_id: str
    started_at: int
    finished_at: int
    scanner_version: str
    vantage: str
    capped: tuple[str, ...]
    lookups: tuple[Lookup, ...]

    def encode(self) -> bytes:
        record = {name: getattr(self, name) for name in _FIELDS}
        record["lookups"] = [
            dict(zip(_LOOKUP_FIELDS, _lookup_values(lookup), strict=True))
            for lookup in self.lookups
        ]
        return _CODEC.encode(record)


_FIELDS = tuple(field.name for field in fields(ScanResult))


def decode(payload: bytes | None) -> ScanResult:
    """Raises UndecodableError."""
    record = _CODEC.decode(payload)
    try:
        record["lookups"] = tuple(map(_lookup, record["lookups"]))
    except ValueError as error:
        raise UndecodableError(f"lookup status: {error}") from error
    record["capped"] = tuple(record["capped"])
    return ScanResult(**record)


def _lookup(record: dict[str, Any]) -> Lookup:
    record["status"] = Status(record["status"])
    return Lookup(*_field_values(record))
