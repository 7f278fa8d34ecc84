"""A batch of sites to scan."""

from dataclasses import asdict, dataclass
from typing import NamedTuple

from services.common.messages.codec import Codec
from services.common.messages.topics import SCAN_REQUESTS

_CODEC = Codec(SCAN_REQUESTS)


class BatchSite(NamedTuple):
    site_id: int
    domain: str
    rank: int


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """Times are microseconds since the epoch."""

    run_id: int
    batch: int
    created_at: int
    expires_at: int
    secret: bytes
    depth: str
    sites: tuple[BatchSite, ...]

    def encode(self) -> bytes:
        return _CODEC.encode(asdict(self) | {"sites": [site._asdict() for site in self.sites]})


def decode(payload: bytes | None) -> ScanRequest:
    """Raises UndecodableError."""
    record = _CODEC.decode(payload)
    sites = tuple(BatchSite(**site) for site in record.pop("sites"))
    return ScanRequest(sites=sites, **record)
