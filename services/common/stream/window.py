"""Parts of a topic, read without being a member of any group."""

from collections.abc import Iterator, Mapping
from contextlib import closing

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from services.common.messages.envelope import BrokenError, Incoming
from services.common.messages.window import Window
from services.common.stream.broker import Broker
from services.common.stream.consumer import incoming_of
from services.common.stream.offsets import Offsets

_TIMEOUT = 15.0


def since(broker: Broker, topic: str, milliseconds: int) -> Iterator[Incoming]:
    """What was added to the topic at that time (since the epoch) or later. Raises BrokenError."""
    ends = Offsets(broker).ends(topic)
    with closing(_consumer(broker)) as consumer:
        try:
            starts = consumer.offsets_for_times(
                [TopicPartition(broker.named(topic), number, milliseconds) for number in ends],
                timeout=_TIMEOUT,
            )
        except KafkaException as error:
            raise BrokenError(f"{topic}: {error.args[0].str()}") from error
        some = {at.partition: at.offset for at in starts if 0 <= at.offset < ends[at.partition]}
        yield from _until(broker, consumer, topic, some, ends)


def within(broker: Broker, window: Window, partition: int) -> Iterator[Incoming]:
    """What the window holds of one partition, by offset. Raises BrokenError."""
    start, end = window.starts[partition], window.ends[partition]
    if start < end:
        with closing(_consumer(broker)) as consumer:
            yield from _until(broker, consumer, window.topic, {partition: start}, window.ends)


def _consumer(broker: Broker) -> Consumer:
    return Consumer(
        broker.config()
        | {
            "group.id": broker.named("window"),
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
        }
    )


def _until(
    broker: Broker,
    consumer: Consumer,
    topic: str,
    starts: Mapping[int, int],
    ends: Mapping[int, int],
) -> Iterator[Incoming]:
    name = broker.named(topic)
    left = set(starts)
    try:
        consumer.assign([TopicPartition(name, part, offset) for part, offset in starts.items()])
        while left:
            message = _next(consumer, topic)
            if message.error() is not None:
                left.discard(message.partition() or 0)
                continue
            incoming = incoming_of(broker, message)
            if incoming.offset < ends[incoming.partition]:
                yield incoming
            if incoming.offset + 1 >= ends[incoming.partition]:
                left.discard(incoming.partition)
    except KafkaException as error:
        raise BrokenError(f"{topic}: {error.args[0].str()}") from error


def _next(consumer: Consumer, topic: str) -> "Message[bytes, bytes]":
    """A message, or the event that a partition has no more."""
    message = consumer.poll(_TIMEOUT)
    if message is None:
        raise BrokenError(f"{topic} cannot be read: nothing came for {_TIMEOUT:.0f} s")
    error = message.error()
    if error and error.code() != KafkaError._PARTITION_EOF:
        raise BrokenError(f"{topic} cannot be read: {error.str()}")
    return message
