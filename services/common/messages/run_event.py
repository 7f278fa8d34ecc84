"""A run reached a point that people and other systems wait for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from services.common.messages.codec import Codec
from services.common.messages.topics import RUN_EVENTS

_CODEC = Codec(RUN_EVENTS)

CLOSING = frozenset({"graded", "botched", "incomplete", "cancelled"})
"""Kinds after which nobody waits for anything of the run, unless it is reopened."""
REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class RunEvent:
    """`at` is microseconds since the epoch. An event may arrive twice, with the same id."""

    event_id: str
    run_id: int
    kind: str
    at: int
    counts: Mapping[str, int]
    seconds: Mapping[str, float]
    note: str

    def encode(self) -> bytes:
        return _CODEC.encode(asdict(self))


def decode(payload: bytes | None) -> RunEvent:
    """Raises UndecodableError."""
    return RunEvent(**_CODEC.decode(payload))
