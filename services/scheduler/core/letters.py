"""What leaves through the outbox: mails for people, run events for machines.

Either may arrive twice; the id stays the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid5

from services.scheduler.core.run import Run

_SPACE = UUID("7b1f4f0e-5d0c-5f0c-9d57-1c8e4d2a6b03")


@dataclass(frozen=True, slots=True)
class Letter:
    """`kind` "mail": payload has subject and text. "event": the fields of a RunEvent."""

    id: str
    kind: Literal["mail", "event"]
    payload: Mapping[str, Any]


def letter_id(name: str) -> str:
    """The same for the same occasion, however often it is written down."""
    return str(uuid5(_SPACE, name))


def mail(occasion: str, subject: str, text: str) -> Letter:
    return Letter(
        letter_id(f"mail {occasion}"),
        "mail",
        {"subject": f"[DNStats] {subject}", "text": text.rstrip() + "\n"},
    )


def event(run: Run, kind: str, at: datetime, counts: Mapping[str, int], note: str = "") -> Letter:
    """A run event; `counts` as it is, durations from the run. A run that was reopened tells the
    same again at another time."""
    name = letter_id(f"event {run.id} {kind} {microseconds(at)}")
    payload = {
        "event_id": name,
        "run_id": run.id,
        "kind": kind,
        "at": microseconds(at),
        "counts": dict(counts),
        "seconds": run.seconds,
        "note": note,
    }
    return Letter(name, "event", payload)


def microseconds(at: datetime) -> int:
    """Since the epoch."""
    return round(at.timestamp() * 1_000_000)
