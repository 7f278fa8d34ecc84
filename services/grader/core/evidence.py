"""One hash for what a grader saw: equal hashes, equal evidence."""

import hashlib
import json

from services.common.dns.lookup import Observation
from services.grader.core.verdict import Section


def evidence_hash(section: Section) -> bytes:
    """SHA-256 of the section in canonical form, 32 bytes.

    Neither the order of observations, records or servers nor any time, id or TTL changes it. Case
    does not either, but in TXT: a receiver tells "v=DMARC1" from "v=dmarc1" (RFC 9989 section 4.7).
    """
    canonical = sorted(_canonical(seen) for seen in section.observations.values())
    return hashlib.sha256("\n".join(canonical).encode()).digest()


def _canonical(seen: Observation) -> str:
    rdata = seen.rdata if seen.rdtype == "TXT" else [text.lower() for text in seen.rdata]
    return json.dumps(
        [
            seen.name.lower(),
            seen.rdtype,
            seen.server,
            seen.status,
            sorted(set(rdata)),
            [name.lower() for name in seen.aliases],
            seen.signed,
            seen.zone.lower(),
            seen.reason,
            seen.ede,
        ]
    )
