"""The scan of batches: many sites of many batches at once, each result sent before its batch is
done.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from services.common.messages import scan_request
from services.common.messages.envelope import (
    BrokenError,
    Incoming,
    InvalidError,
    Outgoing,
    run_header,
)
from services.common.messages.possible import check_run, check_site
from services.common.messages.scan_request import BatchSite, ScanRequest
from services.common.messages.scan_result import ScanResult
from services.common.messages.topics import SCAN_RESULTS
from services.common.telemetry import metrics
from services.common.telemetry.logs import bound, logger
from services.scanner.core.batches import Fate, fate
from services.scanner.core.failures import Failures
from services.scanner.handler.outage import Outage
from services.scanner.handler.site import SiteScanner

SERVICE = "scanner"
SITES_IN_FLIGHT = 1000
SITE_AGE = 120.0
"""Seconds after which a scan is given up whatever it waits for."""
AGE = "age"
GATHER_SECONDS = 0.01
"""How long results gather before they are sent together: a change of thread costs more than one
of them."""
FIRST_WAIT = 0.5
LONGEST_WAIT = 5.0


class TooManyFailuresError(RuntimeError):
    """So many scans fail that going on would throw a run away."""


class Feed(Protocol):
    """Where batches come from; `done` and `refuse` finish one."""

    def __aiter__(self) -> AsyncIterator[Incoming]: ...

    def done(self, incoming: Incoming) -> None: ...

    def refuse(self, incoming: Incoming, fault: InvalidError) -> None: ...


class Outbox(Protocol):
    """Where results go."""

    def send(self, message: Outgoing) -> None:
        """May block. Raises BrokenError."""
        ...


@dataclass(eq=False, slots=True)
class _Batch:
    incoming: Incoming
    request: ScanRequest
    unscanned: int
    unsent: int
    """Sites whose result is not sent, the unscanned ones included."""
    scans: set[asyncio.Task[None]] = field(default_factory=set)
    released: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """All is sent, or the batch is released."""


class BatchScanner:
    """Keeps at most `sites_in_flight` sites between their first question and their sent result.

    `closed_runs` are runs that nobody waits for any more, and since when (microseconds since the
    epoch); they may change meanwhile.
    """

    def __init__(
        self,
        scanner: SiteScanner,
        outage: Outage,
        outbox: Outbox,
        *,
        clock: Callable[[], int],
        closed_runs: Mapping[int, int],
        sites_in_flight: int = SITES_IN_FLIGHT,
        site_age: float = SITE_AGE,
    ) -> None:
        self._scanner = scanner
        self._outage = outage
        self._outbox = outbox
        self._clock = clock
        self._closed_runs = closed_runs
        self._site_age = site_age
        self._slots = asyncio.Semaphore(sites_in_flight)
        self._batches: set[_Batch] = set()
        self._results: asyncio.Queue[tuple[_Batch, Outgoing]] = asyncio.Queue()
        self._failures = Failures()

    async def run(self, feed: Feed) -> None:
        """Scan what the feed gives until it ends. Raises, in a group, what ended it,
        TooManyFailuresError, and what sending raises beside BrokenError."""
        async with asyncio.TaskGroup() as tasks:
            sender = tasks.create_task(self._send(feed))
            async for incoming in feed:
                await self._take(incoming, feed, tasks)
            for batch in tuple(self._batches):
                await batch.over.wait()
            sender.cancel()

    async def release(self, partitions: frozenset[int]) -> None:
        """Give up what is unfinished of these partitions, for another scanner takes them; return
        once the results of what is finished are sent."""
        going = {batch for batch in self._batches if batch.incoming.partition in partitions}
        self._batches -= going
        for batch in going:
            batch.released = batch.unscanned > 0
            if batch.released:
                batch.over.set()
                for scan in batch.scans:
                    scan.cancel()
        for batch in going:
            await batch.over.wait()

    async def _take(self, incoming: Incoming, feed: Feed, tasks: asyncio.TaskGroup) -> None:
        try:
            request = scan_request.decode(incoming.value)
            check_run(incoming, request.run_id)
            for site in request.sites:
                check_site(site.site_id, site.domain)
        except InvalidError as fault:
            await _patiently(partial(feed.refuse, incoming, fault))
            return
        what = fate(request, self._clock(), self._closed_runs)
        if what is Fate.SCANNED and request.sites:
            await self._start(incoming, request, tasks)
            return
        metrics.SITES.labels(SERVICE, what).inc(len(request.sites))
        logger().info("batch not scanned", run=request.run_id, batch=request.batch, fate=what)
        feed.done(incoming)

    async def _start(
        self, incoming: Incoming, request: ScanRequest, tasks: asyncio.TaskGroup
    ) -> None:
        """Return once the last site has begun, or the batch is released."""
        batch = _Batch(incoming, request, len(request.sites), len(request.sites))
        self._batches.add(batch)
        for site in request.sites:
            await self._slots.acquire()
            if batch.released:
                self._slots.release()
                return
            scan = tasks.create_task(self._scan(site, batch))
            batch.scans.add(scan)
            scan.add_done_callback(partial(self._scan_ended, batch))

    def _scan_ended(self, batch: _Batch, scan: asyncio.Task[None]) -> None:
        batch.scans.discard(scan)
        if scan.cancelled():
            self._slots.release()

    async def _scan(self, site: BatchSite, batch: _Batch) -> None:
        with bound(run=batch.request.run_id, site=site.domain):
            message = await self._outcome(site, batch.request)
        batch.unscanned -= 1
        self._results.put_nowait((batch, message))
        metrics.SITES.labels(SERVICE, Fate.SCANNED).inc()

    async def _outcome(self, site: BatchSite, request: ScanRequest) -> Outgoing:
        """The message of a site's result; where its scan fails, of a result that says so."""
        failed = True
        try:
            message = _message(await self._result(site, request))
            failed = False
        except TimeoutError:
            logger().error("scan took too long", seconds=self._site_age)
            message = _message(self._scanner.unscanned(site, request, AGE))
        except Exception as error:
            logger().exception("scan failed")
            reason = f"scan failed: {type(error).__name__}"
            message = _message(self._scanner.unscanned(site, request, reason))
        self._failures.count(failed)
        if self._failures.too_many:
            raise TooManyFailuresError("too many scans fail; the log names each")
        return message

    async def _result(self, site: BatchSite, request: ScanRequest) -> ScanResult:
        while True:
            async with asyncio.timeout(self._site_age):
                result = await self._scanner.scan(site, request)
            if not await self._outage.spoiled(result):
                return result

    async def _send(self, feed: Feed) -> None:
        """Send results and finish the batches that are complete."""
        while True:
            ended = [await self._results.get()]
            await asyncio.sleep(GATHER_SECONDS)
            while not self._results.empty():
                ended.append(self._results.get_nowait())
            await _patiently(partial(self._push, deque(message for _, message in ended)))
            for batch, _ in ended:
                self._slots.release()
                batch.unsent -= 1
                if not batch.unsent:
                    feed.done(batch.incoming)
                    batch.over.set()
                    self._batches.discard(batch)

    def _push(self, messages: deque[Outgoing]) -> None:
        while messages:
            self._outbox.send(messages[0])
            messages.popleft()


def _message(result: ScanResult) -> Outgoing:
    return Outgoing(
        SCAN_RESULTS, result.domain.encode(), result.encode(), (run_header(result.run_id),)
    )


async def _patiently(work: Callable[[], None]) -> None:
    """Do it in a thread, again and again while the broker is out of reach."""
    wait = FIRST_WAIT
    while True:
        try:
            await asyncio.to_thread(work)
        except BrokenError as error:
            logger().warning("waiting", fault=str(error), seconds=wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
        else:
            return
