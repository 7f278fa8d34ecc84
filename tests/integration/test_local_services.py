"""The real broker and database that tests and `make run` stand on."""

import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import recorded, stop_recorded

pytestmark = pytest.mark.services


def test_topics_appear_only_when_made(kafka: str, topic_prefix: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    name = f"{topic_prefix}made"
    admin.create_topics([NewTopic(name, 3, 1)])[name].result(10)
    faults = []
    producer = Producer({"bootstrap.servers": kafka, "topic.metadata.propagation.max.ms": 100})
    for topic in (name, f"{topic_prefix}not-made"):
        producer.produce(topic, b"x", on_delivery=lambda error, _: faults.append(error))
    assert producer.flush(20) == 0
    assert sorted(error is None for error in faults) == [False, True]


def test_database_is_fresh_and_migrated(database: str) -> None:
    assert database.endswith("_test")
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM runs")
        assert cursor.fetchone() == (0,)
    connection.close()


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "postgres", durable=False)
    yield server
    server.stop()
    server.remove()


def test_database_survives_a_kill_and_keeps_its_address(postgres: Postgres) -> None:
    postgres.start()
    postgres.wait()
    dsn = postgres.dsn()
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept (n int)")
    connection.close()
    postgres.child.kill()
    postgres.start()
    postgres.wait()
    assert postgres.dsn() == dsn
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM kept")
    connection.close()


def test_stop_recorded_ends_only_what_matches(postgres: Postgres, tmp_path: Path) -> None:
    postgres.start()
    postgres.wait()
    stranger = tmp_path / "stranger.json"
    me = psutil.Process()
    stranger.write_text(json.dumps({"pid": me.pid, "started": me.create_time() - 60, "signal": 9}))
    assert recorded(stranger) is None
    assert stop_recorded([postgres.child.record, stranger]) == ["postgres"]
    assert not postgres.child.alive()
    assert not stranger.exists()


def test_broker_keeps_topics_over_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "kafka"
    with Kafka(folder, quick=True) as first:
        admin = AdminClient({"bootstrap.servers": first.bootstrap})
        admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(10)
    with Kafka(folder, quick=True) as second:
        assert second.bootstrap == first.bootstrap
        assert (
            "kept"
            in AdminClient({"bootstrap.servers": second.bootstrap}).list_topics(timeout=10).topics
        )
