"""A topic read from a time to where it ends now, without being a member of any group."""

from collections.abc import Iterator
from contextlib import closing

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from services.common.messages.envelope import BrokenError, Incoming
from services.common.stream.broker import Broker
from services.common.stream.consumer import incoming_of
from services.common.stream.offsets import Offsets

_TIMEOUT = 15.0


def since(broker: Broker, topic: str, milliseconds: int) -> Iterator[Incoming]:
    """What was added to the topic at that time (since the epoch) or later. Raises BrokenError."""
    ends = Offsets(broker).ends(topic)
    config = {"group.id": broker.named("window"), "enable.auto.commit": False}
    with closing(Consumer(broker.config() | config)) as consumer:
        try:
            starts = consumer.offsets_for_times(
                [TopicPartition(broker.named(topic), number, milliseconds) for number in ends],
                timeout=_TIMEOUT,
            )
            some = [at for at in starts if 0 <= at.offset < ends[at.partition]]
            left = {at.partition for at in some}
            consumer.assign(some)
            while left:
                incoming = incoming_of(broker, _next(consumer, topic))
                if incoming.offset < ends[incoming.partition]:
                    yield incoming
                if incoming.offset + 1 >= ends[incoming.partition]:
                    left.discard(incoming.partition)
        except KafkaException as error:
            raise BrokenError(f"{topic}: {error.args[0].str()}") from error


def _next(consumer: Consumer, topic: str) -> "Message[bytes, bytes]":
    message = consumer.poll(_TIMEOUT)
    if message is None:
        raise BrokenError(f"{topic} cannot be read: nothing came for {_TIMEOUT:.0f} s")
    if error := message.error():
        raise BrokenError(f"{topic} cannot be read: {error.str()}")
    return message
