"""A batch of scan results: derived, stored in one transaction, and sent on to the graders."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from services.common.messages.envelope import Incoming, InvalidError, Outgoing, run_header
from services.common.messages.grade_request import GradeRequest
from services.common.messages.possible import check_run, check_site
from services.common.messages.scan_result import ScanResult, decode
from services.common.messages.topics import GRADE_REQUESTS
from services.common.reference.bundle import Reference
from services.processor.core.derive import derive
from services.processor.core.site_run import Derived, SiteRun, Source


class SiteRuns(Protocol):
    """Where SiteRuns are kept."""

    def store(self, rows: Sequence[SiteRun]) -> None:
        """Store all rows or none; a row that is older than the one in place changes nothing.

        Raises InvalidError for a row that can never be stored, BrokenError where none can be now.
        """


class Processor:
    """Call it with scan results: it returns one grade request for each, in order, also where the
    row in place was newer. Raises InvalidError if one of them can never be processed."""

    def __init__(self, site_runs: SiteRuns, reference: Reference) -> None:
        self._site_runs = site_runs
        self._reference = reference

    def __call__(self, batch: Sequence[Incoming]) -> list[Outgoing]:
        derived = [self._derive(incoming) for incoming in batch]
        self._site_runs.store([one.site_run for one in derived])
        return [_request(one) for one in derived]

    def _derive(self, incoming: Incoming) -> Derived:
        result = decode(incoming.value)
        check_run(incoming, result.run_id)
        check_site(result.site_id, result.domain)
        _check(result)
        source = Source(incoming.topic, incoming.partition, incoming.offset)
        try:
            return derive(result, self._reference, source)
        except ValueError as error:
            raise InvalidError(f"{result.domain}: impossible evidence: {error}") from error
        except MemoryError:
            raise
        except Exception as error:  # hostile bytes may lead the derivation into anything
            raise InvalidError(f"{result.domain}: impossible evidence: {error!r}") from error


def _check(result: ScanResult) -> None:
    """Raises InvalidError for what no scanner can have said."""
    try:
        if str(UUID(result.scan_id)) != result.scan_id:
            raise ValueError
    except ValueError as error:
        raise InvalidError(f"{result.domain}: scan id {result.scan_id!r} is no UUID") from error
    if result.finished_at < result.started_at:
        raise InvalidError(f"{result.domain}: the scan ended before it began")


def _request(derived: Derived) -> Outgoing:
    row = derived.site_run
    request = GradeRequest(
        run_id=row.run_id,
        site_id=row.site_id,
        domain=row.domain,
        rank=row.rank,
        scan_id=row.scan_id,
        finished_at=row.finished_at,
        processor_version=row.processor_version,
        reference_version=row.reference_version,
        reference_name=row.reference_name,
        sections=derived.sections,
    )
    headers = (run_header(row.run_id),)
    return Outgoing(GRADE_REQUESTS, row.domain.encode("ascii"), request.encode(), headers)
