"""Which batches are scanned."""

import pytest

from services.common.messages.scan_request import ScanRequest
from services.scanner.core.batches import CLOCKS_APART, Fate, fate

REQUEST = ScanRequest(
    run_id=7, batch=0, created_at=100, expires_at=1000, secret=b"", depth="normal", sites=()
)


@pytest.mark.parametrize(
    ("now", "closed", "expected"),
    [
        (999, {}, Fate.SCANNED),
        (999, {6: 500, 8: 500}, Fate.SCANNED),
        (1000 + CLOCKS_APART - 1, {}, Fate.SCANNED),
        (1000 + CLOCKS_APART, {}, Fate.EXPIRED),
        (5000 + CLOCKS_APART, {}, Fate.EXPIRED),
        (999, {7: 100}, Fate.CLOSED),
        (5000, {7: 100}, Fate.CLOSED),
        (999, {7: 99}, Fate.SCANNED),
    ],
)
def test_fate(now: int, closed: dict[int, int], expected: Fate) -> None:
    assert fate(REQUEST, now, closed) is expected
