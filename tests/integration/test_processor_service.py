"""The processor as a process of its own, on a real broker and a real database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import Engine, text

from services.common.messages.envelope import Outgoing, run_header
from services.common.messages.grade_request import GradeRequestReader
from services.common.messages.scan_result import ScanResult
from services.common.messages.topics import GRADE_REQUESTS, SCAN_RESULTS, dead_letter
from services.common.store import partitions
from services.common.store.database import engine as connect
from services.common.stream import topics
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from tests.integration.streams import begin, read_all, until
from tests.unit.processor.scan import scan
from tests.unit.scanner.world import SITE

pytestmark = pytest.mark.services

PARTITIONS = 2
RESULT = scan("site.test", SITE)


@pytest.fixture
def broker(kafka: str, topic_prefix: str) -> Broker:
    made = Broker(kafka, topic_prefix)
    topics.apply(made, topics.Layout(PARTITIONS, 1))
    begin(made, "processor", SCAN_RESULTS)
    return made


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = connect(database)
    partitions.create(connections, RESULT.run_id)
    yield connections
    connections.dispose()


@pytest.fixture
def environment(database: str, broker: Broker) -> dict[str, str]:
    return {
        **os.environ,
        "DNSTATS_DATABASE": database,
        "DNSTATS_KAFKA": broker.bootstrap,
        "DNSTATS_TOPIC_PREFIX": broker.prefix,
        "DNSTATS_PARTITIONS": str(PARTITIONS),
        "DNSTATS_REPLICATION": "1",
        "DNSTATS_REFERENCE": "world",
    }


@contextmanager
def processor(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "services.processor"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def send(broker: Broker, values: Sequence[bytes], run_id: int = RESULT.run_id) -> None:
    producer = Producer(broker)
    for number, value in enumerate(values):
        headers = (run_header(run_id),)
        producer.send(Outgoing(SCAN_RESULTS, b"%d" % number, value, headers))
    producer.flush()


def results(count: int) -> list[ScanResult]:
    return [replace(RESULT, site_id=site, domain=f"s{site}.test") for site in range(1, count + 1)]


def committed(broker: Broker) -> int:
    return sum(Offsets(broker).committed("processor", SCAN_RESULTS).values())


def sites(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        query = text("SELECT site_id FROM site_runs ORDER BY 1")
        return list(connection.execute(query).scalars())


def requested(broker: Broker) -> set[int]:
    reader = GradeRequestReader(())
    return {reader.decode(value).site_id for value, _ in read_all(broker, GRADE_REQUESTS)}


def test_results_become_rows_and_requests_and_the_rest_dead_letters(
    broker: Broker, engine: Engine, environment: dict[str, str]
) -> None:
    homeless = replace(RESULT, run_id=RESULT.run_id + 1)
    good = [result.encode() for result in results(40)]
    send(broker, [*good[:20], b"rubbish", *good[20:], good[0]])
    send(broker, [homeless.encode()], homeless.run_id)
    with processor(environment) as process:
        until(lambda: committed(broker) == 43)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert sites(engine) == list(range(1, 41))
    assert requested(broker) == set(range(1, 41))
    assert len(read_all(broker, GRADE_REQUESTS)) == 41
    letters = dict(read_all(broker, dead_letter(SCAN_RESULTS)))
    assert letters.keys() == {b"rubbish", homeless.encode()}
    assert b"not an Avro" in b" ".join(letters[b"rubbish"].values())
    assert b"no partition of relation" in b" ".join(letters[homeless.encode()].values())


def test_killed_at_any_moment_nothing_is_lost_or_doubled(
    broker: Broker, engine: Engine, environment: dict[str, str]
) -> None:
    send(broker, [result.encode() for result in results(1_500)])
    with processor(environment) as process:
        until(lambda: sites(engine))
        process.kill()
        assert process.wait() == -signal.SIGKILL
    with processor(environment):
        until(lambda: committed(broker) == 1_500)
    assert sites(engine) == list(range(1, 1_501))
    assert requested(broker) == set(range(1, 1_501))


def test_cut_off_from_the_database_it_waits_and_goes_on(
    broker: Broker, engine: Engine, environment: dict[str, str]
) -> None:
    batches = [[result.encode() for result in results(300)][at::3] for at in range(3)]
    with processor(environment) as process:
        for number, batch in enumerate(batches, start=1):
            cut_off_others(engine)
            send(broker, batch)
            until(partial(has_committed, broker, 100 * number))
        assert process.poll() is None
    assert sites(engine) == list(range(1, 301))
    assert read_all(broker, dead_letter(SCAN_RESULTS)) == []


def has_committed(broker: Broker, count: int) -> bool:
    return committed(broker) == count


def cut_off_others(engine: Engine) -> None:
    """End every other connection to the database."""
    with engine.connect() as connection:
        query = text(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute(query)


def test_a_schema_of_another_release_is_refused_in_one_line(
    engine: Engine, environment: dict[str, str]
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
        connection.execute(text("COMMENT ON TABLE alembic_version IS 'later'"))
    with processor(environment) as process:
        _, complaint = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the schema is at later" in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("DNSTATS_REFERENCE", "moon"), ("DNSTATS_DATABASE", "mysql://x"), ("DNSTATS_HTTP_PORT", "x")],
)
def test_a_bad_setting_is_refused_by_name(
    environment: dict[str, str], name: str, value: str
) -> None:
    with processor({**environment, name: value}) as process:
        _, complaint = process.communicate(timeout=30)
    assert process.returncode == 2
    assert complaint.startswith(name)
    assert complaint.count("\n") == 1
