"""The grader service as a process, on a real broker and database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from services.common.messages.codec import Codec
from services.common.messages.envelope import Outgoing, run_header
from services.common.messages.topics import GRADE_REQUESTS, dead_letter
from services.common.store import partitions
from services.common.store.database import engine
from services.common.stream import topics
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from tests import examples
from tests.integration.streams import read_all, until

pytestmark = pytest.mark.services
RUN = 7
LAYOUT = topics.Layout(partitions=4, replication=1)


@pytest.fixture
def broker(kafka: str, topic_prefix: str) -> Broker:
    broker = Broker(kafka, topic_prefix)
    topics.apply(broker, LAYOUT)
    return broker


@pytest.fixture
def store(database: str) -> Iterator[Engine]:
    connections = engine(database)
    partitions.create(connections, RUN)
    yield connections
    connections.dispose()


@contextmanager
def grader(
    broker: Broker, store: Engine, *arguments: str, **settings: str
) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if "DNSTATS" not in name}
    environment |= {
        "DNSTATS_KAFKA": broker.bootstrap,
        "DNSTATS_TOPIC_PREFIX": broker.prefix,
        "DNSTATS_PARTITIONS": str(LAYOUT.partitions),
        "DNSTATS_REPLICATION": str(LAYOUT.replication),
        "DNSTATS_DATABASE": store.url.set(drivername="postgresql").render_as_string(False),
    } | settings
    command = [sys.executable, "-m", "services.grader", *arguments]
    with subprocess.Popen(
        command,
        cwd=Path(__file__).parents[2],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def request(number: int, **changes: Any) -> bytes:
    [path] = [p for p in examples.paths(GRADE_REQUESTS) if p.stem == "v1-mail-domain"]
    return Codec(GRADE_REQUESTS).encode(examples.record(path) | {"site_id": number} | changes)


def send(broker: Broker, *values: bytes) -> None:
    producer = Producer(broker)
    for number, value in enumerate(values):
        producer.send(Outgoing(GRADE_REQUESTS, b"%d" % number, value, (run_header(RUN),)))
    producer.flush()


def committed(broker: Broker, group: str) -> int:
    return sum(Offsets(broker).committed(group, GRADE_REQUESTS).values())


def graded(store: Engine) -> set[tuple[int, str]]:
    with store.connect() as connection:
        rows = connection.execute(text("SELECT site_id, grader FROM grades"))
        return {(row.site_id, row.grader) for row in rows}


def ready(broker: Broker, *groups: str) -> None:
    """Wait until the groups have begun: what is sent from now on is theirs."""
    offsets = Offsets(broker)
    until(lambda: all(len(offsets.committed(group, GRADE_REQUESTS)) == 4 for group in groups))


def test_each_grader_grades_every_request_in_a_group_of_its_own(
    broker: Broker, store: Engine
) -> None:
    with grader(broker, store, "--graders", "spf,mx") as process:
        ready(broker, "grader-spf", "grader-mx")
        send(broker, *(request(number) for number in range(30)))
        until(lambda: committed(broker, "grader-spf") == committed(broker, "grader-mx") == 30)
        assert graded(store) == {(n, name) for n in range(30) for name in ("spf", "mx")}
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    with store.connect() as connection:
        [grade] = connection.execute(
            text("SELECT * FROM grades WHERE site_id = 3 AND grader = 'spf'")
        ).mappings()
    assert grade["letter"]
    assert len(grade["evidence_hash"]) == 32
    assert grade["reference_name"] == "public"
    assert str(grade["scan_id"]) == "0d9f6c9e-5f1b-4d7a-9b59-8e2f6f0a1c42"


def test_hostile_text_is_stored_and_bad_messages_become_dead_letters(
    broker: Broker, store: Engine
) -> None:
    [hostile] = [p for p in examples.paths(GRADE_REQUESTS) if p.stem == "v1-hostile-text"]
    bad = {
        "no message": b"no message",
        "a run without tables": request(2, run_id=RUN + 1),
        "NUL in an id": request(3, scan_id="\0"),
        "an impossible time": request(4, finished_at=2**62),
        "unknown reference data": request(5, reference_name="private"),
    }
    with grader(broker, store) as process:
        groups = ("grader-spf", "grader-dmarc", "grader-mx")
        ready(broker, *groups)
        send(broker, request(1), *bad.values(), examples.payload(hostile))
        until(lambda: all(committed(broker, group) == len(bad) + 2 for group in groups))
        assert process.poll() is None
    assert {site for site, _ in graded(store)} == {1, 45}
    letters = read_all(broker, dead_letter(GRADE_REQUESTS))
    assert sorted(value for value, _ in letters) == sorted([*bad.values()] * 3)
    assert all(headers["dead_letter_reason"] for _, headers in letters)


def test_killed_and_started_again_it_grades_each_request_once(
    broker: Broker, store: Engine
) -> None:
    with grader(broker, store, "--graders", "mx") as process:
        ready(broker, "grader-mx")
        send(broker, *(request(number) for number in range(3000)))
        until(lambda: graded(store))
        process.kill()
    with grader(broker, store, "--graders", "mx"):
        until(lambda: committed(broker, "grader-mx") == 3000)
    assert graded(store) == {(number, "mx") for number in range(3000)}


def test_a_new_group_begins_at_the_end_where_no_run_is_open(broker: Broker, store: Engine) -> None:
    send(broker, request(1))
    with grader(broker, store, "--graders", "mx"):
        ready(broker, "grader-mx")
        send(broker, request(2))
        until(lambda: committed(broker, "grader-mx") == 2)
    assert graded(store) == {(2, "mx")}


@pytest.mark.parametrize(
    ("arguments", "settings", "status", "said"),
    [
        (["--graders", "spf,caa"], {}, 2, "DNSTATS_GRADERS: "),
        ([], {"DNSTATS_PARTITIONS": "5"}, 1, "partitions is 4, must be 5"),
        ([], {"DNSTATS_DATABASE": "sqlite://"}, 2, "DNSTATS_DATABASE: "),
    ],
    ids=["unknown grader", "topics differ", "another database"],
)
def test_what_it_cannot_work_with_is_named_at_once(
    broker: Broker,
    store: Engine,
    arguments: list[str],
    settings: dict[str, str],
    status: int,
    said: str,
) -> None:
    with grader(broker, store, *arguments, **settings) as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == status
    assert said in output
    assert "Traceback" not in output
