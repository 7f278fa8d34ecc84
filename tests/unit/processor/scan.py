"""Scan results of small worlds: what the scanner's plan asks, answered in wire format."""

from collections.abc import Mapping
from dataclasses import replace

from services.common.dns.lookup import Lookup, Observation, Question
from services.common.dns.observe import observe
from services.common.dns.status import Status
from services.common.messages.scan_result import ScanResult
from services.scanner.core.plan import next_questions
from tests.unit.scanner.world import SOA, Records, World

SECRET = b"secret of the run"
STARTED = 1_700_000_000_000_000

Failures = Mapping[tuple[str, str], Status]
"""Questions that end otherwise, by name and type."""


def scan(domain: str, records: Records, failures: Failures | None = None) -> ScanResult:
    """The scan of a domain of a world in which `test` is a zone."""
    world = World({("test", "SOA"): SOA, **records})
    known: dict[Question, Observation] = {}
    lookups: list[Lookup] = []
    while questions := next_questions(domain, SECRET, known):
        for question in questions:
            lookup = _failed(world.lookup(question), question, failures or {})
            lookups.append(lookup)
            known[question] = observe(question, [lookup])
    return ScanResult(
        run_id=3,
        site_id=5,
        domain=domain,
        rank=7,
        batch=0,
        scan_id="0e37df36-f698-4d73-8dd2-9d0e0a1c6e53",
        started_at=STARTED,
        finished_at=STARTED + 250_000,
        scanner_version="0.1",
        vantage="here",
        capped=(),
        lookups=tuple(lookups),
    )


def _failed(lookup: Lookup, question: Question, failures: Failures) -> Lookup:
    status = failures.get(question)
    return lookup if status is None else replace(lookup, status=status, response=b"")
