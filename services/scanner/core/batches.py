"""Whether a batch is still to be scanned."""

from collections.abc import Mapping
from enum import StrEnum

from services.common.messages.scan_request import ScanRequest

CLOCKS_APART = 300_000_000
"""Microseconds by which the scheduler's clock may be behind ours."""


class Fate(StrEnum):
    """What becomes of the sites of a batch."""

    SCANNED = "scanned"
    EXPIRED = "expired"
    CLOSED = "closed"


def fate(request: ScanRequest, now: int, closed_runs: Mapping[int, int]) -> Fate:
    """Sites of a batch that is too old, or whose run is over, are not scanned: nobody waits for
    them any more. A batch that was made after its run had ended is one for which the run is
    reopened. `now` and the ends of `closed_runs` are microseconds since the epoch."""
    if request.created_at <= closed_runs.get(request.run_id, -1):
        return Fate.CLOSED
    return Fate.EXPIRED if request.expires_at + CLOCKS_APART <= now else Fate.SCANNED
