"""Which batches are scanned."""

import pytest

from services.common.messages.scan_request import ScanRequest
from services.scanner.core.batches import Fate, fate

REQUEST = ScanRequest(
    run_id=7, batch=0, created_at=0, expires_at=1000, secret=b"", depth="normal", sites=()
)


@pytest.mark.parametrize(
    ("now", "closed", "expected"),
    [
        (999, set(), Fate.SCANNED),
        (999, {6, 8}, Fate.SCANNED),
        (1000, set(), Fate.EXPIRED),
        (5000, set(), Fate.EXPIRED),
        (999, {7}, Fate.CLOSED),
        (5000, {7}, Fate.CLOSED),
    ],
)
def test_fate(now: int, closed: set[int], expected: Fate) -> None:
    assert fate(REQUEST, now, closed) is expected
