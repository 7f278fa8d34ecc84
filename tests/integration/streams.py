"""Topics, loops and readers for tests on a real broker."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import cast

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from services.common.messages.envelope import BrokenError, Incoming, Outgoing
from services.common.stream import loop
from services.common.stream.begin import RunStarts
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.common.stream.settle import Handle
from services.common.telemetry.health import Pulse


def make_topics(broker: Broker, *names: str, partitions: int = 4) -> None:
    admin = AdminClient(broker.config())
    new = [NewTopic(broker.named(name), partitions, 1) for name in names]
    for made in admin.create_topics(new, request_timeout=20).values():
        made.result(20)
    for name in names:
        until(partial(led, broker, name))


def produce(broker: Broker, topic: str, values: Sequence[bytes]) -> None:
    producer = Producer(broker)
    for value in values:
        producer.send(Outgoing(topic, value, value, (("run_id", b"1"),)))
    producer.flush()


def led(broker: Broker, topic: str) -> bool:
    """Whether a new topic has its leaders already."""
    try:
        return bool(Offsets(broker).ends(topic))
    except BrokenError:
        return False


def begin(broker: Broker, group: str, topic: str) -> None:
    """Let a new group read all that the topic holds."""
    until(lambda: led(broker, topic))
    offsets = Offsets(broker)
    offsets.begin(group, topic, offsets.starts(topic))


def read_all(broker: Broker, topic: str) -> list[tuple[bytes, dict[str, bytes]]]:
    """Values and headers of everything in a topic."""
    consumer = Consumer(broker.config() | {"group.id": "reader", "enable.auto.commit": False})
    name = broker.named(topic)
    found: list[tuple[bytes, dict[str, bytes]]] = []
    for number in consumer.list_topics(name, 10).topics[name].partitions:
        at = TopicPartition(name, number, 0)
        _, end = consumer.get_watermark_offsets(at, 10)
        consumer.assign([at])
        for _ in range(end):
            message = consumer.poll(10)
            assert message is not None
            assert message.error() is None
            headers = dict(cast("list[tuple[str, bytes]]", message.headers() or []))
            found.append((message.value() or b"", headers))
    consumer.close()
    return found


class Running:
    """A loop in a thread."""

    def __init__(
        self,
        broker: Broker,
        topic: str,
        group: str,
        handle: Handle,
        run_starts: RunStarts | None = None,
    ) -> None:
        self._run_starts = run_starts or Offsets(broker).starts
        self.pulse = Pulse()
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, args=(broker, topic, group, handle))
        self.thread.start()

    def _run(self, broker: Broker, topic: str, group: str, handle: Handle) -> None:
        try:
            loop.run(
                broker,
                [topic],
                group,
                handle,
                run_starts=self._run_starts,
                service=group,
                pulse=self.pulse,
                stop=self.stop,
            )
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        self.stop.set()
        self.thread.join(30)
        assert not self.thread.is_alive()


@contextmanager
def running(
    broker: Broker, topic: str, group: str, handle: Handle, run_starts: RunStarts | None = None
) -> Iterator[Running]:
    """A loop for the block; without `run_starts` a new group reads all that the topic holds."""
    started = Running(broker, topic, group, handle, run_starts)
    try:
        yield started
    finally:
        started.end()


def until(condition: Callable[[], object], seconds: float = 30) -> float:
    """Wait for the condition; returns how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + seconds, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - began


class Collector:
    """A handler that keeps the values it was given."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def __call__(self, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        self.values += [incoming.value or b"" for incoming in batch]
        return ()
