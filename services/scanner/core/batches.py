"""Whether a batch is still to be scanned."""

from collections.abc import Set as AbstractSet
from enum import StrEnum

from services.common.messages.scan_request import ScanRequest


class Fate(StrEnum):
    """What becomes of the sites of a batch."""

    SCANNED = "scanned"
    EXPIRED = "expired"
    CLOSED = "closed"


def fate(request: ScanRequest, now: int, closed_runs: AbstractSet[int]) -> Fate:
    """Sites of a batch that is too old, or whose run is over, are not scanned: nobody waits for
    them any more. `now` is microseconds since the epoch."""
    if request.run_id in closed_runs:
        return Fate.CLOSED
    return Fate.EXPIRED if request.expires_at <= now else Fate.SCANNED
