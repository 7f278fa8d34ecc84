"""The producer on librdkafka's own mock broker, in this process."""

from collections.abc import Iterator

import confluent_kafka
import pytest
from confluent_kafka import Consumer, TopicPartition

from services.common.messages.envelope import BrokenError, InvalidError, Outgoing
from services.common.stream import producer as producers
from services.common.stream.broker import Broker
from services.common.stream.producer import Producer
from services.common.stream.topics import MAX_MESSAGE_BYTES


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    host = confluent_kafka.Producer(
        {"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0}
    )
    [address] = host.list_topics(timeout=10).brokers.values()
    yield Broker(f"{address.host}:{address.port}", "test-")
    del host  # the mock broker lives as long as the client that made it


@pytest.fixture
def unreachable() -> Producer:
    return Producer(Broker("127.0.0.1:1"), **{"queue.buffering.max.messages": 3})


def read(broker: Broker, topic: str, partition: int) -> list[tuple[bytes | None, bytes | None]]:
    consumer = Consumer(broker.config() | {"group.id": "reader"})
    at = TopicPartition(broker.named(topic), partition, 0)
    _, end = consumer.get_watermark_offsets(at, 10)
    consumer.assign([at])
    found = consumer.consume(end, 10) if end else []
    consumer.close()
    return [(message.key(), message.value()) for message in found]


def test_a_flush_that_returns_means_delivered(broker: Broker) -> None:
    producer = Producer(broker)
    producer.send(Outgoing("flushed", b"key", b"one", (("run_id", b"7"),), partition=2))
    producer.send(Outgoing("flushed", None, b"two", partition=2))
    assert producer.waiting == 2
    producer.flush()
    assert producer.waiting == 0
    assert read(broker, "flushed", 2) == [(b"key", b"one"), (None, b"two")]


def test_the_key_decides_the_partition_as_java_clients_have_it(broker: Broker) -> None:
    # murmur2("21") & 0x7fffffff is -973932308 & 0x7fffffff = 1173551340 (Kafka's UtilsTest).
    producer = Producer(broker)
    producer.send(Outgoing("keyed", b"21", b"value"))
    producer.flush()
    assert read(broker, "keyed", 1173551340 % 4) == [(b"21", b"value")]


def test_what_cannot_be_delivered_is_counted_and_kept(unreachable: Producer) -> None:
    unreachable.send(Outgoing("out", None, b"x"))
    for _ in range(2):
        with pytest.raises(BrokenError, match="1 messages are not delivered"):
            unreachable.flush(0.1)


def test_a_full_queue_is_waited_for_and_then_broken(
    unreachable: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producers, "SEND_SECONDS", 0.1)
    for _ in range(3):
        unreachable.send(Outgoing("out", None, b"x"))
    with pytest.raises(BrokenError, match="queue full: 3"):
        unreachable.send(Outgoing("out", None, b"x"))
    assert unreachable.waiting == 3


def test_a_message_too_large_for_its_topic_is_invalid(broker: Broker) -> None:
    producer = Producer(broker)
    with pytest.raises(InvalidError, match="2097152 bytes are too many for a message of out"):
        producer.send(Outgoing("out", None, bytes(MAX_MESSAGE_BYTES)))
    producer.send(Outgoing("out.dlq", None, bytes(MAX_MESSAGE_BYTES)))
    producer.flush()
    assert producer.waiting == 0


def test_a_flush_waits_for_every_partition(broker: Broker) -> None:
    producer = Producer(broker, **{"linger.ms": 0})
    for number in range(500):
        producer.send(Outgoing("many", b"%d" % number, b"value"))
    producer.flush()
    assert sum(len(read(broker, "many", partition)) for partition in range(4)) == 500
