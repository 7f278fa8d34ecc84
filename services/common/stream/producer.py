"""Delivery of messages: every one that was sent is delivered, or `flush` says that it was not."""

import time
from functools import partial
from itertools import count
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from services.common.messages.envelope import BrokenError, InvalidError, Outgoing
from services.common.messages.topics import DEAD_LETTER_SUFFIX
from services.common.stream.broker import Broker, ErrorLog
from services.common.stream.topics import MAX_MESSAGE_BYTES
from services.common.telemetry import metrics

ANY_PARTITION = -1
QUEUED_MESSAGES = 50_000
QUEUED_KBYTES = 128 * 1024
UNCOMPRESSED_BYTES = 64 * 1024 * 1024
"""What this client takes at most; the topics set the limit that counts."""
FRAMING = 1024
"""More than a record batch and the headers' length fields add to a message."""
SEND_SECONDS = 30.0
"""How long `send` waits for room in a full queue."""


class ProducerFailedError(RuntimeError):
    """The producer lost its state at the broker: only a new process can deliver again."""


class Producer:
    """Idempotent, acks=all, murmur2, zstd. `send` and `flush` may be called by several threads.

    Nothing times out: what the broker cannot take now stays queued, and what it refused is sent
    again by the next `flush`.
    """

    def __init__(self, broker: Broker, **config: Any) -> None:
        self._broker = broker
        self._waiting: dict[int, Outgoing] = {}
        self._refused: list[tuple[Outgoing, KafkaError]] = []
        self._fatal: KafkaError | None = None
        self._log = ErrorLog()
        self._tickets = count(1)
        self._client = confluent_kafka.Producer(
            broker.config(self._on_error)
            | {
                "enable.idempotence": True,
                "acks": "all",
                "partitioner": "murmur2_random",
                "compression.type": "zstd",
                "linger.ms": 20,
                "message.timeout.ms": 0,
                "message.max.bytes": UNCOMPRESSED_BYTES,
                "queue.buffering.max.messages": QUEUED_MESSAGES,
                "queue.buffering.max.kbytes": QUEUED_KBYTES,
            }
            | config
        )

    def send(self, message: Outgoing) -> None:
        """Queue a message, waiting while the queue is full. Raises InvalidError for one that no
        broker would take, BrokenError where the queue stays full, ProducerFailedError."""
        _check_size(message)
        deadline = time.monotonic() + SEND_SECONDS
        self._client.poll(0)
        while not self._queued(message):
            self._client.poll(0.1)
            if time.monotonic() > deadline:
                raise BrokenError(f"queue full: {len(self._waiting)} messages are not delivered")

    def flush(self, timeout: float = 30.0) -> None:
        """Return once all that was sent before this call is delivered. Raises BrokenError naming
        how much is not, ProducerFailedError."""
        self._send_again()
        deadline = time.monotonic() + timeout
        last = next(self._tickets)
        while self._oldest(last) < last and not self._refused:
            self._raise_fatal()
            if time.monotonic() > deadline:
                raise BrokenError(f"{len(self._waiting)} messages are not delivered")
            self._client.flush(0.1)
        self._raise_fatal()
        if self._refused:
            message, error = self._refused[-1]
            raise BrokenError(
                f"{self.waiting} messages are not delivered: {message.topic}: {error.str()}"
            )

    @property
    def waiting(self) -> int:
        """Messages sent and not yet acknowledged."""
        return len(self._waiting) + len(self._refused)

    def _queued(self, message: Outgoing) -> bool:
        """Hand the message to the client's queue, unless that is full."""
        self._raise_fatal()
        ticket = next(self._tickets)
        self._waiting[ticket] = message
        try:
            self._client.produce(
                self._broker.named(message.topic),
                message.value,
                message.key,
                ANY_PARTITION if message.partition is None else message.partition,
                headers=list(message.headers),
                on_delivery=partial(self._on_delivery, ticket),
            )
        except BufferError:
            del self._waiting[ticket]
            return False
        except KafkaException as error:
            del self._waiting[ticket]
            self._raise_fatal()
            raise BrokenError(f"{message.topic}: {error.args[0].str()}") from error
        return True

    def _oldest(self, default: int) -> int:
        # A copy, because another thread may send meanwhile.
        return min(tuple(self._waiting), default=default)

    def _send_again(self) -> None:
        again, self._refused = self._refused, []
        for message, _ in again:
            self.send(message)

    def _on_delivery(self, ticket: int, error: KafkaError | None, _: object) -> None:
        message = self._waiting.pop(ticket)
        if error is None:
            metrics.MESSAGES_DELIVERED.labels(message.topic).inc()
            return
        metrics.DELIVERY_FAILURES.labels(message.topic, error.name()).inc()
        self._refused.append((message, error))

    def _on_error(self, error: KafkaError) -> None:
        self._log(error)
        if error.fatal():
            self._fatal = error

    def _raise_fatal(self) -> None:
        if self._fatal is not None:
            raise ProducerFailedError(self._fatal.str())


def _check_size(message: Outgoing) -> None:
    """The broker measures after compression: what was accepted once is accepted as dead letter."""
    if message.topic.endswith(DEAD_LETTER_SUFFIX):
        return
    size = len(message.value) + len(message.key or b"")
    size += sum(len(name) + len(value) for name, value in message.headers)
    if size > MAX_MESSAGE_BYTES - FRAMING:
        raise InvalidError(f"{size} bytes are too many for a message of {message.topic}")
