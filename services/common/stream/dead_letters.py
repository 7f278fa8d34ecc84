"""Messages that can never be processed: kept with their reason and origin, up to a limit."""

import time
from collections import deque

from services.common.messages.envelope import Headers, Incoming, InvalidError, Outgoing
from services.common.messages.topics import dead_letter
from services.common.stream.producer import Producer
from services.common.telemetry import metrics
from services.common.telemetry.logs import logger

MOST = 100
AMONG = 10_000
"""More than `MOST` among the last `AMONG` messages are no bad messages but a bad service."""
MAX_REASON = 1_000


class TooManyDeadLettersError(RuntimeError):
    """So many messages fail that going on would throw a run away."""


def letter(incoming: Incoming, reason: str, service: str, at: int) -> Outgoing:
    """The dead letter of a message: its bytes, key and headers, and where it came from as headers
    named `dead_letter_*`. `at` is milliseconds since the epoch."""
    origin: Headers = (
        ("dead_letter_reason", reason[:MAX_REASON].encode(errors="backslashreplace")),
        ("dead_letter_service", service.encode()),
        ("dead_letter_topic", incoming.topic.encode()),
        ("dead_letter_partition", b"%d" % incoming.partition),
        ("dead_letter_offset", b"%d" % incoming.offset),
        ("dead_letter_at", b"%d" % at),
    )
    headers = incoming.headers + origin
    return Outgoing(dead_letter(incoming.topic), incoming.key, incoming.value or b"", headers)


class DeadLetters:
    """Sends dead letters and stops the service beyond the limit. One per consumer."""

    def __init__(self, producer: Producer, service: str) -> None:
        self._producer = producer
        self._service = service
        self._seen = 0
        self._recent: deque[int] = deque()

    def seen(self, count: int) -> None:
        """Count messages that were read."""
        self._seen += count

    def add(self, incoming: Incoming, fault: InvalidError) -> None:
        """Send the dead letter; it is delivered by the flush before the next commit. Raises
        TooManyDeadLettersError, BrokenError."""
        while self._recent and self._recent[0] <= self._seen - AMONG:
            self._recent.popleft()
        where = f"{incoming.topic}[{incoming.partition}]@{incoming.offset}"
        if len(self._recent) >= MOST:
            raise TooManyDeadLettersError(
                f"more than {MOST} of the last {AMONG} messages are invalid; the latest is "
                f"{where}: {fault}"
            )
        at = int(time.time() * 1000)
        self._producer.send(letter(incoming, str(fault), self._service, at))
        self._recent.append(self._seen)
        metrics.DEAD_LETTERS.labels(self._service, incoming.topic, type(fault).__name__).inc()
        logger().error("message is invalid", message=where, reason=str(fault)[:MAX_REASON])
