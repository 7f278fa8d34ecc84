"""Reading a whole small topic, and what is added to it, without being a member of any group."""

import threading
from collections.abc import Callable
from typing import cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from services.common.stream.broker import Broker
from services.common.telemetry.logs import logger

TURN_SECONDS = 0.5
ASK_SECONDS = 10.0


def follow(
    broker: Broker, topic: str, handle: Callable[[bytes | None], None], stop: threading.Event
) -> None:
    """Call `handle` with the value of every message from the topic's first until `stop` is set;
    the broker may come and go meanwhile."""
    consumer = Consumer(
        broker.config() | {"group.id": broker.named("follow"), "enable.auto.commit": False}
    )
    try:
        if _assigned(consumer, broker.named(topic), stop):
            while not stop.is_set():
                message = consumer.poll(TURN_SECONDS)
                if message is None:
                    continue
                if message.error() is None:
                    handle(message.value())
                else:
                    logger().warning("read failed", topic=topic, error=str(message.error()))
    finally:
        consumer.close()


def _assigned(consumer: Consumer, topic: str, stop: threading.Event) -> bool:
    """Take every partition from its beginning; false where `stop` came first."""
    while not stop.is_set():
        try:
            found = consumer.list_topics(topic, ASK_SECONDS).topics[topic]
        except KafkaException as error:
            logger().warning("broker is out of reach", topic=topic, error=str(error))
            continue
        if found.partitions:
            numbers = cast("dict[int, object]", found.partitions)
            consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in numbers])
            return True
        stop.wait(TURN_SECONDS)
    return False
