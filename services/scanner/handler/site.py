"""The scan of one site: asks what the plan wants, round by round, until it wants nothing more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.common.dns.lookup import Lookup, Question
from services.common.dns.names import BadNameError, normalise
from services.common.messages.scan_request import BatchSite, ScanRequest
from services.common.messages.scan_result import ScanResult
from services.scanner.core.evidence import Evidence
from services.scanner.core.plan import USUAL_QUESTIONS, next_round

CAP = "cap"
NO_NAME = "not a domain name"


class Asker(Protocol):
    """Asks for one site, within that site's time."""

    async def ask(
        self, questions: Sequence[Question], *, checking_disabled: bool = False
    ) -> list[list[Lookup]]:
        """The lookups of each question, in the order of the questions."""
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Who scanned, and from where."""

    scanner_version: str
    vantage: str


class SiteScanner:
    """Scans sites and decides nothing about them.

    `asker` gives the Asker of one more site of a run, `clock` microseconds since the epoch and
    `scan_id` a new UUID. `cap` is how many questions a site is asked; what it wants beyond is
    recorded as not asked.
    """

    def __init__(
        self,
        asker: Callable[[int], Asker],
        *,
        clock: Callable[[], int],
        scan_id: Callable[[], str],
        origin: Origin,
        cap: int = USUAL_QUESTIONS,
    ) -> None:
        self._asker = asker
        self._clock = clock
        self._scan_id = scan_id
        self._origin = origin
        self._cap = cap

    async def scan(self, site: BatchSite, request: ScanRequest) -> ScanResult:
        """All that can be obtained about a site, or why it could not be."""
        if not _is_name(site.domain):
            return self.unscanned(site, request, NO_NAME)
        started, evidence = self._clock(), Evidence()
        asker = self._asker(request.run_id)
        while now := next_round(site.domain, request.secret, evidence.known, self._cap):
            answers = await asker.ask(now.ask) if now.ask else []
            for question, lookups in zip(now.ask, answers, strict=True):
                evidence.add(question, lookups)
            evidence.leave_out(now.beyond, CAP, self._clock())
        return self._result(site, request, started, evidence)

    def unscanned(self, site: BatchSite, request: ScanRequest, reason: str) -> ScanResult:
        """The result of a site that cannot be scanned: nothing asked, and why."""
        now, evidence = self._clock(), Evidence()
        evidence.leave_out([Question(site.domain, "SOA")], reason, now)
        return self._result(site, request, now, evidence)

    def _result(
        self, site: BatchSite, request: ScanRequest, started: int, evidence: Evidence
    ) -> ScanResult:
        return ScanResult(
            run_id=request.run_id,
            site_id=site.site_id,
            domain=site.domain,
            rank=site.rank,
            batch=request.batch,
            scan_id=self._scan_id(),
            started_at=started,
            finished_at=max(started, self._clock()),
            scanner_version=self._origin.scanner_version,
            vantage=self._origin.vantage,
            capped=evidence.capped,
            lookups=tuple(evidence.lookups),
        )


def _is_name(domain: str) -> bool:
    try:
        return normalise(domain) == domain != "."
    except BadNameError:
        return False
