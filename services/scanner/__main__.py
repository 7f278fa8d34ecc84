"""The scanner service: batches in, evidence out."""

import asyncio
import gc
import signal
import sys
import threading
from functools import partial
from importlib.metadata import version
from time import time_ns
from uuid import uuid4

import uvloop
from sqlalchemy import Engine

from services.common.config import load
from services.common.messages import run_event
from services.common.messages.codec import UndecodableError
from services.common.messages.topics import RUN_EVENTS, SCAN_REQUESTS
from services.common.reference.load import load as load_reference
from services.common.store import database, runs
from services.common.stream import feed as stream_feed
from services.common.stream.follow import follow
from services.common.stream.producer import Producer
from services.common.stream.service import Service, start
from services.common.telemetry import metrics
from services.common.telemetry.health import Pulse
from services.common.telemetry.logs import logger
from services.scanner.adapters import optouts, targets
from services.scanner.adapters.counters import Counters
from services.scanner.adapters.endpoints import Endpoint, endpoints
from services.scanner.adapters.resolver import Resolver
from services.scanner.adapters.targets import Targets
from services.scanner.core.optout import OptOuts
from services.scanner.handler import BatchScanner, Origin, Outage, SiteScanner
from services.scanner.settings import ScannerSettings

GROUP = "scanner"
BYTES_IN_FLIGHT = 64 << 20
WATCH_SECONDS = 1.0
COLLECT_AFTER = (50_000, 20, 100)
"""Objects made since the last collection of the young; collections until one of the older."""


def main() -> None:
    settings = load(ScannerSettings)
    try:
        servers = endpoints(settings.resolvers)
        opted_out = optouts.load(settings.optouts)
        allowed = targets.load(settings.targets, load_reference(settings.reference).is_public)
        engine = database.engine(settings.database)
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    service = start("scanner", settings)
    _collect_rarely()
    uvloop.run(_serve(service, settings, servers, opted_out, allowed, engine))


def _collect_rarely() -> None:
    """Answers are kept by the hundred thousand and hold no cycles: looking for some among them
    again and again cost a fifth of the CPU."""
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def _serve(
    service: Service,
    settings: ScannerSettings,
    servers: tuple[Endpoint, ...],
    opted_out: OptOuts,
    allowed: Targets,
    engine: Engine,
) -> None:
    resolver = Resolver(servers, optouts=opted_out, targets=allowed)
    pulse = service.health.pulse("resolvers")
    pulse.assigned = True
    producer = Producer(service.broker)
    batches = _batch_scanner(service, settings, resolver, producer, pulse)
    feed = stream_feed.Feed(
        service.broker,
        SCAN_REQUESTS,
        GROUP,
        producer,
        run_starts=partial(runs.starts_of_open, engine),
        service=service.name,
        pulse=service.health.pulse(GROUP),
        limits=stream_feed.Limits(settings.batches_in_flight, BYTES_IN_FLIGHT),
        partitions=settings.partitions,
        on_revoke=batches.release,
    )
    _stop_by_signal(service, feed)
    watching = asyncio.create_task(_watch(resolver.counters, pulse))
    try:
        async with feed:
            await batches.run(feed)
    finally:
        service.stop.set()
        watching.cancel()
        resolver.close()


def _batch_scanner(
    service: Service,
    settings: ScannerSettings,
    resolver: Resolver,
    producer: Producer,
    pulse: Pulse,
) -> BatchScanner:
    scanner = SiteScanner(
        resolver.for_site,
        clock=_microseconds,
        scan_id=_new_id,
        origin=Origin(version("dnstats"), settings.vantage),
        cap=settings.questions,
    )
    outage = Outage(
        resolver.for_site,
        clock=_microseconds,
        label=_new_id,
        tell=partial(setattr, pulse, "fault"),
    )
    return BatchScanner(
        scanner,
        outage,
        producer,
        clock=_microseconds,
        closed_runs=_closed_runs(service),
        sites_in_flight=settings.sites_in_flight,
    )


def _stop_by_signal(service: Service, feed: stream_feed.Feed) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, feed.stop)
    if service.stop.is_set():  # the signal came before there was a feed
        feed.stop()


def _closed_runs(service: Service) -> dict[int, int]:
    """The runs that are over, and since when; a thread keeps them as their events come."""
    closed: dict[int, int] = {}

    def note(payload: bytes | None) -> None:
        try:
            event = run_event.decode(payload)
        except UndecodableError as error:
            logger().warning("run event not read", fault=str(error))
            return
        if event.kind in run_event.CLOSING:
            closed[event.run_id] = event.at
            logger().info("run is over", run=event.run_id, kind=event.kind)
        elif event.kind == run_event.REOPENED and closed.pop(event.run_id, 0):
            logger().info("run goes on", run=event.run_id)

    threading.Thread(
        target=follow,
        args=(service.broker, RUN_EVENTS, note, service.stop),
        name="run-events",
        daemon=True,
    ).start()
    return closed


async def _watch(counters: Counters, pulse: Pulse) -> None:
    """Show that the event loop turns, and bring the engine's counters into the metrics."""
    kept = joined = 0
    while True:
        pulse.touch()
        await asyncio.sleep(WATCH_SECONDS)
        metrics.LOOKUPS_SHARED.labels("kept").inc(counters.shared - kept)
        metrics.LOOKUPS_SHARED.labels("joined").inc(counters.joined - joined)
        kept, joined = counters.shared, counters.joined


def _microseconds() -> int:
    return time_ns() // 1000


def _new_id() -> str:
    return str(uuid4())


if __name__ == "__main__":
    main()
