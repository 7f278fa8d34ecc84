"""Messages that can never be processed: sent on as dead letters, up to a limit."""

import time
from collections import deque

from services.common.messages.dead_letter import MAX_REASON, wrap
from services.common.messages.envelope import Incoming, InvalidError
from services.common.stream.producer import Producer
from services.common.telemetry import metrics
from services.common.telemetry.logs import logger

MOST = 100
AMONG = 10_000
"""More than `MOST` among the last `AMONG` messages are no bad messages but a bad service."""


class TooManyDeadLettersError(RuntimeError):
    """So many messages fail that going on would throw a run away."""


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
        self._producer.send(wrap(incoming, str(fault), self._service, at))
        self._recent.append(self._seen)
        metrics.DEAD_LETTERS.labels(self._service, incoming.topic, type(fault).__name__).inc()
        logger().error("message is invalid", message=where, reason=str(fault)[:MAX_REASON])
