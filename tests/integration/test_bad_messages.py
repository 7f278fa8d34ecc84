"""Messages that nobody can process, on every topic of running services: each becomes one dead
letter that says why and whence, and the good ones around it are handled."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import confluent_kafka
import pytest

from services.common.messages.codec import HEADER_SIZE, MARKER, Codec
from services.common.messages.dead_letter import DeadLetter
from services.common.messages.envelope import Outgoing, run_header
from services.common.messages.run_event import RunEvent
from services.common.messages.topics import (
    GRADE_REQUESTS,
    RUN_EVENTS,
    SCAN_REQUESTS,
    SCAN_RESULTS,
    dead_letter,
)
from services.common.stream.dead_letters import MOST
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.common.stream.topics import MAX_MESSAGE_BYTES
from services.scheduler.adapters.letters import StoredLetters
from services.scheduler.core.run import Run
from services.scheduler.handler.publish import Publisher, batch_message
from tests import examples
from tests.integration.dns_server import serving
from tests.integration.schedulers import PARTITIONS, Installation, installation, now
from tests.integration.streams import read_all, until
from tests.unit.processor.scan import scan
from tests.unit.scanner.world import SITE, World

pytestmark = pytest.mark.services

TOPICS = {
    "scanner": SCAN_REQUESTS,
    "processor": SCAN_RESULTS,
    "grader-spf": GRADE_REQUESTS,
}
RESULT = scan("s1.test", {})
NO_RUN = 1_000_000


class Bad(NamedTuple):
    """A message, and what its dead letter says."""

    value: bytes
    reason: str
    run: int | None = None
    """Of the header, where that is another than the run's."""


@pytest.fixture
def at(database: str, kafka: str, topic_prefix: str) -> Iterator[Installation]:
    with installation(database, kafka, topic_prefix, 4) as made:
        yield made


@pytest.fixture
def run(at: Installation) -> Run:
    """A run that has begun, of which no batch is out."""
    planned, hours = at.plan(batch_size=1), timedelta(hours=1)
    Publisher(at.runs, at.plans, at.topics, Producer(at.broker), now, hours).prepare(planned)
    return at.run(planned.id)


@contextmanager
def service(
    at: Installation, name: str, log: Path, *arguments: str, **settings: str
) -> Iterator[subprocess.Popen[bytes]]:
    given = {
        "DATABASE": at.database,
        "KAFKA": at.broker.bootstrap,
        "TOPIC_PREFIX": at.broker.prefix,
        "PARTITIONS": str(PARTITIONS),
        "REPLICATION": "1",
        "REFERENCE": "world",
    } | settings
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", f"services.{name}", *arguments],
            env=os.environ | {f"DNSTATS_{setting}": value for setting, value in given.items()},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)


def _undecodable(topic: str, good: bytes) -> list[Bad]:
    (other,) = (
        {SCAN_RESULTS, GRADE_REQUESTS} - {topic} if topic != SCAN_REQUESTS else {SCAN_RESULTS}
    )
    stranger = examples.payload(examples.paths(other)[0])
    return [
        Bad(b"rubbish \xff\x00", "not an Avro single-object message"),
        Bad(b"", "not an Avro single-object message"),
        Bad(MARKER + b"\1" * 8 + good[HEADER_SIZE:], "schema fingerprint 0101010101010101 is not"),
        Bad(stranger, "schema fingerprint"),
        Bad(good[:-3], "cut off or damaged|bytes after"),
        Bad(good + b"\0", "1 bytes after the message"),
        Bad(os.urandom(MAX_MESSAGE_BYTES - 4096), "not an Avro single-object message"),
    ]


def _records(topic: str, good: bytes, *changes: tuple[dict[str, Any], str]) -> list[Bad]:
    codec = Codec(topic)
    record = codec.decode(good)
    return [Bad(codec.encode(record | changed), reason) for changed, reason in changes]


def _send(at: Installation, topic: str, run: Run, messages: list[Bad]) -> None:
    """All to one partition, so that good ones lie around the bad ones."""
    producer = Producer(at.broker)
    for number, bad in enumerate(messages):
        header = run_header(run.id if bad.run is None else bad.run)
        producer.send(Outgoing(topic, b"key %d" % number, bad.value, (header,), 0))
    producer.flush()


def _null(at: Installation, topic: str) -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": at.broker.bootstrap})
    producer.produce(at.broker.named(topic), None, b"null", partition=0)
    assert producer.flush(20) == 0


def _passed(at: Installation, group: str) -> bool:
    topic = TOPICS[group]
    return Offsets(at.broker).committed(group, topic).get(0) == at.topics.ends(topic)[0]


def _letters(at: Installation, topic: str) -> list[DeadLetter]:
    return list(StoredLetters(at.engine, at.broker).read([topic]))


def _check_letters(at: Installation, group: str, bad: list[Bad]) -> None:
    """One for each bad message, in order, behind one good message; the last is of a null value."""
    letters = _letters(at, TOPICS[group])
    assert [letter.origin.value for letter in letters] == [*(one.value for one in bad), b""]
    for number, (letter, one) in enumerate(zip(letters, bad, strict=False), start=1):
        assert re.search(one.reason, letter.reason), (letter.reason, one.reason)
        assert (letter.service, letter.origin.topic) == (group, TOPICS[group])
        assert (letter.origin.partition, letter.origin.offset) == (0, number)
        assert letter.origin.key == b"key %d" % number


def test_the_processor(at: Installation, run: Run, tmp_path: Path) -> None:
    result = replace(RESULT, run_id=run.id)
    good = result.encode()
    lookup = Codec(SCAN_RESULTS).decode(good)["lookups"][0]
    bad = [
        *_undecodable(SCAN_RESULTS, good),
        *_records(
            SCAN_RESULTS,
            good,
            ({"site_id": -1}, "site -1 is impossible"),
            ({"domain": "S1.test"}, "not in its normal form"),
            ({"domain": ""}, "domain ''"),
            ({"scan_id": "\0"}, "is no UUID"),
            ({"finished_at": result.started_at - 1}, "ended before it began"),
            ({"finished_at": 2**62}, "cannot be stored|out of range"),
            ({"lookups": [lookup | {"status": "PERHAPS"}]}, "lookup status: 'PERHAPS'"),
            ({"rank": 2**63 - 1, "started_at": -(2**62)}, "cannot be stored|out of range"),
        ),
        Bad(good, f"it is of run {run.id}, its header says b'{run.id + 1}'", run.id + 1),
        Bad(replace(result, run_id=NO_RUN).encode(), "no partition", NO_RUN),
    ]
    last = replace(result, site_id=6, domain="s2.test").encode()
    with service(at, "processor", tmp_path / "log") as process:
        _send(at, SCAN_RESULTS, run, [Bad(good, ""), *bad, Bad(last, "")])
        _null(at, SCAN_RESULTS)
        until(lambda: _passed(at, "processor"), 60)
        assert process.poll() is None
    _check_letters(at, "processor", bad)
    stored = at.query("SELECT domain FROM site_runs ORDER BY 1")
    assert [domain for (domain,) in stored] == ["s1.test", "s2.test"]


def test_a_grader(at: Installation, run: Run, tmp_path: Path) -> None:
    (path,) = [p for p in examples.paths(GRADE_REQUESTS) if p.stem == "v1-mail-domain"]
    known = {"run_id": run.id, "site_id": 1, "domain": "s1.test", "reference_name": "world"}
    codec = Codec(GRADE_REQUESTS)
    record = examples.record(path) | known
    good = codec.encode(record)
    bad = [
        *_undecodable(GRADE_REQUESTS, good),
        *_records(
            GRADE_REQUESTS,
            good,
            ({"site_id": -1}, "site -1 is impossible"),
            ({"domain": "s1..test"}, "an empty label"),
            ({"scan_id": "\0"}, "NUL|uuid|SQLSTATE"),
            ({"finished_at": 2**62}, "cannot be stored|out of range"),
            ({"reference_name": "private"}, "private"),
            ({"spf": [record["spf"][0] | {"status": "PERHAPS"}]}, "lookup status: 'PERHAPS'"),
        ),
        Bad(good, f"it is of run {run.id}, its header says", run.id + 1),
        Bad(codec.encode(record | {"run_id": NO_RUN}), "no partition", NO_RUN),
    ]
    last = codec.encode(record | {"site_id": 2, "domain": "s2.test"})
    with service(at, "grader", tmp_path / "log", "--graders", "spf") as process:
        _send(at, GRADE_REQUESTS, run, [Bad(good, ""), *bad, Bad(last, "")])
        _null(at, GRADE_REQUESTS)
        until(lambda: _passed(at, "grader-spf"), 60)
        assert process.poll() is None
    _check_letters(at, "grader-spf", bad)
    assert [site for (site,) in at.query("SELECT site_id FROM grades ORDER BY 1")] == [1, 2]


def test_the_scanner_and_its_run_events(at: Installation, run: Run, tmp_path: Path) -> None:
    (_, first), (_, second) = at.runs.batches(run, 0, 2)
    good = batch_message(run, 0, first, 1).value
    site = Codec(SCAN_REQUESTS).decode(good)["sites"][0]
    bad = [
        *_undecodable(SCAN_REQUESTS, good),
        *_records(
            SCAN_REQUESTS,
            good,
            ({"run_id": -1}, "run -1 is impossible"),
            ({"sites": [site | {"site_id": -1}]}, "site -1 is impossible"),
            ({"sites": [site, site | {"domain": "a b"}]}, "not in its normal form"),
        ),
        Bad(good, f"it is of run {run.id}, its header says", run.id + 1),
    ]
    log = tmp_path / "log"
    with (
        serving(World(SITE)) as resolver,
        service(at, "scanner", log, RESOLVERS=resolver) as process,
    ):
        _send(at, SCAN_REQUESTS, run, [Bad(good, ""), *bad])
        _null(at, SCAN_REQUESTS)
        last = batch_message(run, 1, second, 1).value
        _send(at, SCAN_REQUESTS, run, [Bad(last, "")])
        until(lambda: _passed(at, "scanner"), 60)
        _check_letters(at, "scanner", bad)
        assert {key for key, _ in _results(at)} == {first[0].domain, second[0].domain}
        event = RunEvent("e", run.id, "cancelled", 2**60, {}, {}, "").encode()
        stranger = examples.payload(examples.paths(SCAN_RESULTS)[0])
        odd = RunEvent("e", run.id, "invented", 0, {}, {}, "\x1b[2J").encode()
        faults = [b"", b"rubbish", event[:-1], event + b"\0", stranger, odd]
        _send(at, RUN_EVENTS, run, [*(Bad(value, "") for value in faults), Bad(event, "")])
        _null(at, RUN_EVENTS)
        until(lambda: "run is over" in log.read_text("utf-8"))
        assert log.read_text("utf-8").count("run event not read") >= len(faults) - 1
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert read_all(at.broker, dead_letter(RUN_EVENTS)) == []


def test_what_is_too_big_never_gets_into_a_topic(at: Installation) -> None:
    refused: list[str] = []
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": at.broker.bootstrap, "message.max.bytes": 4 * MAX_MESSAGE_BYTES}
    )
    producer.produce(
        at.broker.named(SCAN_RESULTS),
        os.urandom(MAX_MESSAGE_BYTES + 1),
        partition=0,
        on_delivery=lambda error, _: refused.append(error.name() if error else ""),
    )
    producer.flush(20)
    assert refused == ["MSG_SIZE_TOO_LARGE"]
    assert at.topics.ends(SCAN_RESULTS)[0] == 0


def test_a_service_for_which_too_much_is_bad_stops(
    at: Installation, run: Run, tmp_path: Path
) -> None:
    rubbish = [Bad(b"rubbish %d" % number, "") for number in range(MOST + 1)]
    log = tmp_path / "log"
    with service(at, "processor", log) as process:
        _send(at, SCAN_RESULTS, run, rubbish)
        assert process.wait(60) != 0
    assert "more than 100 of the last 10000 messages are invalid" in log.read_text("utf-8")
    assert len(_letters(at, SCAN_RESULTS)) == MOST
    assert not _passed(at, "processor")


def _results(at: Installation) -> list[tuple[str, bytes]]:
    codec = Codec(SCAN_RESULTS)
    return [
        (codec.decode(value)["domain"], value) for value, _ in read_all(at.broker, SCAN_RESULTS)
    ]
