"""A closed run with scan results on a real topic and SiteRuns in a real database, for tests."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from services.cli.__main__ import build
from services.common.messages.envelope import Incoming, Outgoing, run_header
from services.common.messages.grade_request import GradeRequestReader
from services.common.messages.scan_result import ScanResult
from services.common.messages.topics import GRADE_REQUESTS, SCAN_RESULTS
from services.common.messages.window import Window
from services.common.reference.load import load
from services.common.store import partitions, runs
from services.common.store.database import engine as connect
from services.common.stream import topics
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.common.stream.window import within
from services.processor.adapters.site_runs import SiteRunTable
from services.processor.handler import Processor
from tests.integration.streams import read_all
from tests.unit.processor.scan import scan
from tests.unit.scanner.world import SITE

PARTITIONS = 2
RESULT = scan("site.test", SITE)
RUN = RESULT.run_id
BAD = b"no scan result\0"


@dataclass(frozen=True)
class PastRun:
    """Run `RUN`: `sites` with a SiteRun, and one more that failed in the scanner."""

    engine: Engine
    broker: Broker
    sites: int

    def dnstats(self, *arguments: str) -> Result:
        return CliRunner().invoke(build(arguments[0]), list(arguments))

    def said(self, *arguments: str) -> Any:
        done = self.dnstats(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def change(self, sql: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(sql))

    def site_runs(self) -> list[tuple[Any, ...]]:
        return self.query(f"SELECT * FROM site_runs WHERE run_id = {RUN} ORDER BY site_id")

    def requests(self) -> list[int]:
        """The sites of all grade requests, sorted."""
        reader = GradeRequestReader(())
        found = read_all(self.broker, GRADE_REQUESTS)
        return sorted(reader.decode(value).site_id for value, _ in found)

    def expire(self, offsets: dict[int, int]) -> None:
        """Remove what lies before these offsets of scan-results, by partition."""
        name = self.broker.named(SCAN_RESULTS)
        wanted = [TopicPartition(name, part, offset) for part, offset in offsets.items()]
        admin = AdminClient(self.broker.config())
        for done in admin.delete_records(wanted).values():
            done.result(20)

    def expire_all(self) -> None:
        self.expire(Offsets(self.broker).ends(SCAN_RESULTS))


@contextmanager
def past_run(
    database: str, kafka: str, prefix: str, sites: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PastRun]:
    with _installed(database, kafka, prefix, sites, monkeypatch) as past:
        topics.apply(past.broker, topics.Layout(PARTITIONS, 1))
        _publish(past)
        yield past


@contextmanager
def stored_run(database: str, sites: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[PastRun]:
    """The same without a broker."""
    with _installed(database, "localhost:1", "", sites, monkeypatch) as past:
        _store(
            past,
            [
                Incoming(SCAN_RESULTS, 0, r.site_id, None, r.encode(), (), 0)
                for r in _results(RUN, sites)
            ],
        )
        yield past


@contextmanager
def _installed(
    database: str, kafka: str, prefix: str, sites: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PastRun]:
    settings = {
        "DATABASE": database,
        "KAFKA": kafka,
        "TOPIC_PREFIX": prefix,
        "PARTITIONS": str(PARTITIONS),
        "REPLICATION": "1",
        "REFERENCE": "world",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"DNSTATS_{name}", value)
    engine = connect(database)
    partitions.create(engine, RUN)
    past = PastRun(engine, Broker(kafka, prefix), sites)
    past.change(
        "INSERT INTO runs (id, state, created_at, started_at, finished_at, secret, depth, top,"
        " batch_size, batches, sites) OVERRIDING SYSTEM VALUE VALUES"
        f" ({RUN}, 'incomplete', now(), now(), now(), 'x', 'normal', 9, 9, 1, {sites + 1})"
    )
    past.change(
        "INSERT INTO run_sites (run_id, site_id, domain, rank, batch)"
        f" SELECT {RUN}, n, 's' || n || '.test', 7, 0 FROM generate_series(1, {sites + 1}) n"
    )
    past.change(f"INSERT INTO failures VALUES ({RUN}, {sites + 1}, 'scanner', 'not scanned')")
    yield past
    engine.dispose()


def _publish(past: PastRun) -> None:
    """Fill the topics, with messages of another run before, in and after the window."""
    broker, offsets = past.broker, Offsets(past.broker)
    _send(broker, RUN + 1, 5)
    starts = {topic: offsets.ends(topic) for topic in (SCAN_RESULTS, GRADE_REQUESTS)}
    _send(broker, RUN + 1, 5)
    _send(broker, RUN, past.sites)
    window = Window(SCAN_RESULTS, starts[SCAN_RESULTS], offsets.ends(SCAN_RESULTS))
    found = [one for partition in window.ends for one in within(broker, window, partition)]
    producer = Producer(broker)
    for request in _store(past, [one for one in found if run_header(RUN) in one.headers]):
        producer.send(request)
    producer.flush()
    with past.engine.begin() as connection:
        for topic, begun in starts.items():
            runs.open_window(connection, RUN, topic, begun)
            runs.close_window(connection, RUN, topic, offsets.ends(topic))
    _send(broker, RUN + 1, 5)


def _store(past: PastRun, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    """What the processor does of the run."""
    return Processor(SiteRunTable(past.engine), load("world"))(batch)


def _results(run: int, sites: int) -> list[ScanResult]:
    return [
        replace(RESULT, run_id=run, site_id=site, domain=f"s{site}.test")
        for site in range(1, sites + 1)
    ]


def _send(broker: Broker, run: int, sites: int) -> None:
    producer = Producer(broker)
    for result in _results(run, sites):
        key = result.domain.encode()
        producer.send(Outgoing(SCAN_RESULTS, key, result.encode(), (run_header(run),)))
    producer.flush()


def damage(path: Path) -> None:
    """Change one byte of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
