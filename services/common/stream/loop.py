"""The loop of the processor and the graders: the one place that decides what is committed.

Order: rows committed (inside `handle`) → outputs delivered → dead letters delivered → offsets
committed. Killed anywhere in between, the messages are read again and nothing is lost.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from services.common.messages.envelope import BrokenError, Incoming, InvalidError, Outgoing
from services.common.stream.broker import Broker
from services.common.stream.consumer import Member, Place, place
from services.common.stream.dead_letters import DeadLetters, TooManyDeadLettersError
from services.common.stream.producer import Producer, ProducerFailedError
from services.common.telemetry import metrics
from services.common.telemetry.health import Pulse
from services.common.telemetry.logs import bound, logger

BATCH_MESSAGES = 1_000
BATCH_SECONDS = 0.2
TRIES = 3
"""Of work that raises what nobody expects."""
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
FLUSH_SECONDS = 5.0
"""Short, so that the group hears of this member between two attempts."""

Handle = Callable[[Sequence[Incoming]], Sequence[Outgoing]]


class _StoppedError(Exception):
    """Asked to stop while waiting: what is not finished will be read again."""


def run(
    broker: Broker,
    topics: Sequence[str],
    group: str,
    handle: Handle,
    *,
    service: str,
    pulse: Pulse,
    stop: threading.Event,
) -> None:
    """Handle the messages of `topics` as a member of `group` until `stop` is set.

    `handle` raises InvalidError where a message can never be processed: the batch is halved until
    the message is found, and that one becomes a dead letter. BrokenError is waited out without
    limit. Whatever else it raises comes out of here after `TRIES` attempts; so do
    TooManyDeadLettersError and ProducerFailedError, at once.
    """
    with bound(group=group):
        _Loop(broker, topics, group, handle, service, pulse, stop).run()


class _Loop:
    def __init__(
        self,
        broker: Broker,
        topics: Sequence[str],
        group: str,
        handle: Handle,
        service: str,
        pulse: Pulse,
        stop: threading.Event,
    ) -> None:
        self._group = group
        self._handle = handle
        self._pulse = pulse
        self._stop = stop
        self._producer = Producer(broker)
        self._letters = DeadLetters(self._producer, service)
        self._finished: dict[Place, int] = {}
        self._member = Member(broker, topics, group, pulse, self._on_released)

    def run(self) -> None:
        try:
            while not self._stop.is_set():
                batch = self._member.read(BATCH_MESSAGES, BATCH_SECONDS)
                if batch:
                    self._finish(batch)
                self._commit()
        except _StoppedError:
            logger().info("stopped while waiting")
        finally:
            self._member.close()

    def _finish(self, batch: Sequence[Incoming]) -> None:
        metrics.BATCHES.labels(self._group).inc()
        self._letters.seen(len(batch))
        with self._in_flight(batch):
            with self._stage("handle"):
                self._settle(batch)
            with self._stage("deliver"):
                self._patiently(partial(self._producer.flush, FLUSH_SECONDS))
        for incoming in batch:
            self._finished[place(incoming)] = incoming.offset + 1

    def _settle(self, batch: Sequence[Incoming]) -> None:
        """Handle the batch; where that is invalid, halve it down to the message that is."""
        try:
            self._patiently(partial(self._handle_and_send, batch))
        except InvalidError as fault:
            if len(batch) == 1:
                self._patiently(partial(self._letters.add, batch[0], fault))
                return
            middle = len(batch) // 2
            self._settle(batch[:middle])
            self._settle(batch[middle:])

    def _handle_and_send(self, batch: Sequence[Incoming]) -> None:
        for outgoing in self._handle(batch):
            self._producer.send(outgoing)

    def _patiently(self, work: Callable[[], None]) -> None:
        """Do it; what is broken is waited out, what is unexpected is tried a few times."""
        wait, failures = FIRST_WAIT, 0
        while True:
            try:
                work()
            except (InvalidError, TooManyDeadLettersError, ProducerFailedError):
                self._recovered()
                raise
            except BrokenError as error:
                self._wait("broken", str(error), wait)
            except Exception as error:
                failures += 1
                if failures >= TRIES:
                    raise
                logger().exception("failed, will try again")
                self._wait("unexpected", repr(error), wait)
            else:
                self._recovered()
                return
            wait = min(2 * wait, LONGEST_WAIT)

    def _wait(self, reason: str, fault: str, seconds: float) -> None:
        """Read nothing for a while, but stay a member of the group. Raises _StoppedError."""
        logger().warning("waiting", reason=reason, fault=fault, seconds=seconds)
        metrics.RETRIES.labels(self._group, reason).inc()
        metrics.BROKEN.labels(self._group).set(1)
        self._pulse.fault = fault or reason
        self._member.pause()
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._stop.is_set():
                raise _StoppedError
            self._member.read(1, min(left, BATCH_SECONDS))

    def _recovered(self) -> None:
        if self._pulse.fault:
            self._pulse.fault = ""
            metrics.BROKEN.labels(self._group).set(0)
            self._member.resume()
            logger().info("working again")

    def _commit(self) -> None:
        """Commit what is finished; what fails now is committed by a later turn."""
        if self._finished:
            with self._stage("commit"):
                if self._member.commit(self._finished):
                    self._finished.clear()

    def _on_released(self, places: frozenset[Place], lost: bool) -> None:
        if not lost:
            self._commit()
        for gone in places:
            self._finished.pop(gone, None)

    @contextmanager
    def _in_flight(self, batch: Sequence[Incoming]) -> Iterator[None]:
        since = time.monotonic()
        age = metrics.OLDEST_UNCOMMITTED.labels(self._group)
        age.set_function(lambda: time.monotonic() - since)
        metrics.IN_FLIGHT.labels(self._group).set(len(batch))
        metrics.IN_FLIGHT_BYTES.labels(self._group).set(sum(one.size for one in batch))
        try:
            yield
        finally:
            age.set_function(lambda: 0.0)
            metrics.IN_FLIGHT.labels(self._group).set(0)
            metrics.IN_FLIGHT_BYTES.labels(self._group).set(0)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        with metrics.STAGE_SECONDS.labels(self._group, name).time():
            yield
