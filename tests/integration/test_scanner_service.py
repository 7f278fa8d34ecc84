"""The scanner as a process: batches from a real broker, answers from a server on loopback."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.common.messages import scan_result
from services.common.messages.envelope import BrokenError, Outgoing
from services.common.messages.run_event import RunEvent
from services.common.messages.scan_request import BatchSite, ScanRequest
from services.common.messages.scan_result import ScanResult
from services.common.messages.topics import RUN_EVENTS, SCAN_REQUESTS, SCAN_RESULTS, dead_letter
from services.common.stream import topics
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.scanner.adapters.endpoints import endpoints
from services.scanner.adapters.resolver import Resolver
from services.scanner.handler import Origin, SiteScanner
from tests.integration.dns_server import serving
from tests.integration.streams import begin, read_all, until
from tests.unit.scanner.asker_contract import RECORDS, check_asker
from tests.unit.scanner.world import SITE, World

pytestmark = pytest.mark.services

PARTITIONS = 4
SITES = ("site.test", "host.test", "gone.test")
RUN = 11


@pytest.fixture
def broker(kafka: str, topic_prefix: str) -> Broker:
    made = Broker(kafka, topic_prefix)
    topics.apply(made, topics.Layout(PARTITIONS, 1))
    begin(made, "scanner", SCAN_REQUESTS)
    return made


@pytest.fixture
def resolver() -> Iterator[str]:
    with serving(World(SITE)) as address:
        yield address


class Scanner:
    """A scanner process."""

    def __init__(self, broker: Broker, resolver: str, folder: Path, **settings: str) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "DNSTATS_KAFKA": broker.bootstrap,
            "DNSTATS_TOPIC_PREFIX": broker.prefix,
            "DNSTATS_PARTITIONS": str(PARTITIONS),
            "DNSTATS_REPLICATION": "1",
            "DNSTATS_RESOLVERS": resolver,
            "DNSTATS_VANTAGE": "test",
        }
        command = [sys.executable, "-m", "services.scanner"]
        self.log = folder / "log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment | settings, cwd=folder, stdout=log, stderr=log
            )

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Exit status, and the seconds that the end took."""
        began = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(20)
        return self.process.returncode, time.monotonic() - began


@contextmanager
def scanner(broker: Broker, resolver: str, folder: Path, **settings: str) -> Iterator[Scanner]:
    started = Scanner(broker, resolver, folder, **settings)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.end(signal.SIGKILL)


def request(batch: int, domains: Sequence[str] = SITES, **changed: int) -> ScanRequest:
    sites = tuple(BatchSite(number, domain, number) for number, domain in enumerate(domains))
    times = {"created_at": 0, "expires_at": 2**60} | changed
    return ScanRequest(
        **{"run_id": RUN, "batch": batch, "secret": b"secret", "depth": "normal", "sites": sites}
        | times  # type: ignore[arg-type]
    )


def publish(broker: Broker, *values: bytes, topic: str = SCAN_REQUESTS) -> None:
    producer = Producer(broker)
    for number, value in enumerate(values):
        partition = number % PARTITIONS if topic == SCAN_REQUESTS else None
        producer.send(Outgoing(topic, b"%d" % number, value, (), partition))
    producer.flush()


def results(broker: Broker) -> list[ScanResult]:
    found = []
    for value, headers in read_all(broker, SCAN_RESULTS):
        result = scan_result.decode(value)
        assert headers == {"run_id": b"%d" % result.run_id}
        found.append(result)
    return found


def finished(broker: Broker) -> bool:
    """All that was published is committed."""
    offsets = Offsets(broker)
    try:
        ends = offsets.ends(SCAN_REQUESTS)
        return offsets.committed("scanner", SCAN_REQUESTS) == ends
    except BrokenError:  # a broker that has just started loads its groups
        return False


def test_the_resolver_is_an_asker() -> None:
    async def check(address: str) -> None:
        resolver = Resolver(endpoints(address))
        try:
            await check_asker(resolver.for_site(RUN))
        finally:
            resolver.close()

    with serving(World(RECORDS)) as address:
        asyncio.run(check(address))


def test_batches_become_evidence_and_the_rest_is_accounted_for(
    broker: Broker, resolver: str, tmp_path: Path
) -> None:
    with scanner(broker, resolver, tmp_path) as running:
        publish(
            broker,
            *(request(batch).encode() for batch in range(6)),
            request(6, ["late.test"], expires_at=1).encode(),
            b"garbage",
        )
        until(lambda: finished(broker))
        status, seconds = running.end()
    assert status == 0
    assert seconds < 5
    found = results(broker)
    assert sorted((r.batch, r.domain) for r in found) == sorted(
        (batch, domain) for batch in range(6) for domain in SITES
    )
    assert {r.vantage for r in found} == {"test"}
    ((letter, headers),) = read_all(broker, dead_letter(SCAN_REQUESTS))
    assert letter == b"garbage"
    assert headers["dead_letter_topic"] == b"scan-requests"
    assert b"single-object" in headers["dead_letter_reason"]


def test_the_batches_of_a_closed_run_are_not_scanned(
    broker: Broker, resolver: str, tmp_path: Path
) -> None:
    closing = RunEvent("e", RUN, "cancelled", 0, {}, {}, "")
    with scanner(broker, resolver, tmp_path) as running:
        publish(broker, request(0).encode())
        until(lambda: finished(broker))
        publish(broker, b"garbage", closing.encode(), topic=RUN_EVENTS)
        until(lambda: "run is over" in running.log.read_text())
        publish(broker, request(1).encode(), request(2, ["other.test"], run_id=12).encode())
        until(lambda: finished(broker))
    assert {(r.run_id, r.batch) for r in results(broker)} == {(RUN, 0), (12, 2)}


def test_the_process_obtains_what_the_plan_obtains_in_memory(
    broker: Broker, resolver: str, tmp_path: Path
) -> None:
    with scanner(broker, resolver, tmp_path):
        publish(broker, request(0).encode())
        until(lambda: finished(broker))
    in_memory = SiteScanner(
        lambda run_id: World(SITE),
        clock=lambda: 0,
        scan_id=lambda: "id",
        origin=Origin("1", "memory"),
    )
    for result in results(broker):
        expected = asyncio.run(in_memory.scan(BatchSite(0, result.domain, 0), request(0)))
        assert [(one.question, one.status) for one in result.lookups] == [
            (one.question, one.status) for one in expected.lookups
        ]


def test_a_killed_scanner_costs_repeated_work_and_nothing_else(
    broker: Broker, resolver: str, tmp_path: Path
) -> None:
    domains = [f"s{number}.site.test" for number in range(40)]
    publish(broker, *(request(batch, domains).encode() for batch in range(12)))
    few = {"DNSTATS_SITES_IN_FLIGHT": "3"}
    with scanner(broker, resolver, tmp_path, **few) as first:
        until(lambda: results(broker))
        first.end(signal.SIGKILL)
    assert not finished(broker)
    with scanner(broker, resolver, tmp_path):
        until(lambda: finished(broker), seconds=60)
    found = {(r.batch, r.domain) for r in results(broker)}
    assert found == {(batch, domain) for batch in range(12) for domain in domains}


def test_a_second_scanner_takes_a_share_of_the_work(
    broker: Broker, resolver: str, tmp_path: Path
) -> None:
    domains = [f"s{number}.site.test" for number in range(40)]
    publish(broker, *(request(batch, domains).encode() for batch in range(24)))
    few = {"DNSTATS_SITES_IN_FLIGHT": "2"}
    with scanner(broker, resolver, tmp_path, **few, DNSTATS_VANTAGE="first") as first:
        until(lambda: results(broker))
        with scanner(broker, resolver, tmp_path, **few, DNSTATS_VANTAGE="second") as second:
            until(lambda: finished(broker), seconds=60)
            assert first.end()[0] == second.end()[0] == 0
    found = results(broker)
    assert {(r.batch, r.domain) for r in found} == {
        (batch, domain) for batch in range(24) for domain in domains
    }
    assert {r.vantage for r in found} == {"first", "second"}


def test_an_outage_of_the_resolver_is_waited_out(broker: Broker, tmp_path: Path) -> None:
    with serving(World(SITE)) as address:
        port = int(address.rpartition(":")[2])
    publish(broker, request(0).encode())
    with scanner(broker, address, tmp_path) as running:
        until(lambda: "no resolver answers" in running.log.read_text(), seconds=60)
        assert not results(broker)
        with serving(World(SITE), port):
            until(lambda: finished(broker), seconds=60)
        assert running.end()[0] == 0
    found = results(broker)
    assert {result.domain for result in found} == set(SITES)
    unheard = [lookup for result in found for lookup in result.lookups if not lookup.response]
    assert unheard == []
