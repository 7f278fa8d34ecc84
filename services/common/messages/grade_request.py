"""What the graders judge: the parsed observations of one site, a section per grader."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.common.messages.codec import Codec, UndecodableError
from services.common.messages.topics import GRADE_REQUESTS

SECTIONS = ("spf", "dmarc", "mx")
_KEY_FIELDS = (
    "run_id",
    "site_id",
    "domain",
    "rank",
    "scan_id",
    "finished_at",
    "processor_version",
    "reference_version",
    "reference_name",
)
_CODEC = Codec(GRADE_REQUESTS)


@dataclass(frozen=True, slots=True)
class GradeRequest:
    """`finished_at` (microseconds since the epoch) is the time that a grade is computed for."""

    run_id: int
    site_id: int
    domain: str
    rank: int
    scan_id: str
    finished_at: int
    processor_version: int
    reference_version: int
    reference_name: str
    sections: Mapping[str, tuple[Observation, ...]]

    def encode(self) -> bytes:
        record: dict[str, Any] = {name: getattr(self, name) for name in _KEY_FIELDS}
        for name in SECTIONS:
            record[name] = _records(self.sections.get(name, ()))
        return _CODEC.encode(record)


class GradeRequestReader:
    """Decodes requests with the sections of the given graders only."""

    def __init__(self, sections: tuple[str, ...]) -> None:
        self._sections = sections
        self._codec = Codec(GRADE_REQUESTS, only=_KEY_FIELDS + sections)

    def decode(self, payload: bytes | None) -> GradeRequest:
        """Raises UndecodableError."""
        record = self._codec.decode(payload)
        try:
            sections = {name: _observations(record.pop(name)) for name in self._sections}
        except ValueError as error:
            raise UndecodableError(f"lookup status: {error}") from error
        return GradeRequest(sections=sections, **record)


def _records(observations: Iterable[Observation]) -> list[dict[str, Any]]:
    return [
        {
            "name": seen.name,
            "rdtype": seen.rdtype,
            "status": seen.status,
            "rdata": seen.rdata,
            "aliases": seen.aliases,
            "server": seen.server,
            "signed": seen.signed,
            "zone": seen.zone,
            "reason": seen.reason,
            "ede": seen.ede,
        }
        for seen in observations
    ]


def _observations(records: list[dict[str, Any]]) -> tuple[Observation, ...]:
    return tuple(
        Observation(
            **record
            | {
                "status": Status(record["status"]),
                "rdata": tuple(record["rdata"]),
                "aliases": tuple(record["aliases"]),
            }
        )
        for record in records
    )
