"""Batches settled patiently by a member of a group: the one place that decides what is committed.

Order: rows committed (inside `handle`) → outputs delivered → dead letters delivered → offsets
committed. Killed anywhere in between, the messages are read again and nothing is lost.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from services.common.messages.envelope import BrokenError, Incoming, InvalidError, Outgoing
from services.common.stream.consumer import Place, Released
from services.common.stream.dead_letters import TooManyDeadLettersError
from services.common.stream.producer import Producer, ProducerFailedError
from services.common.telemetry import metrics
from services.common.telemetry.health import Pulse
from services.common.telemetry.logs import logger

BATCH_MESSAGES = 1_000
BATCH_SECONDS = 0.2
TRIES = 3
"""Of work that raises what nobody expects."""
FIRST_WAIT = 0.5
LONGEST_WAIT = 5.0
FLUSH_SECONDS = 5.0
"""Short, so that the group hears of this member between two attempts."""

Handle = Callable[[Sequence[Incoming]], Sequence[Outgoing]]
Refuse = Callable[[Incoming, InvalidError], None]
"""Keeps a message that can never be processed. Raises BrokenError, TooManyDeadLettersError."""


class Reader(Protocol):
    """What is read by several, each its part: `consumer.Member` does of a topic."""

    group: str

    def read(self, count: int, seconds: float) -> list[Incoming]: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def commit(self, offsets: Mapping[Place, int]) -> bool: ...

    def close(self) -> None: ...


M = TypeVar("M", bound=Reader)
T = TypeVar("T")


class Settler(Generic[M]):
    """Around the member that `join` makes; as a context manager it leaves the group at the end,
    and ends quietly when `stop` is set while something is waited for."""

    def __init__(
        self,
        join: Callable[[Released], M],
        producer: Producer,
        handle: Handle,
        refuse: Refuse,
        pulse: Pulse,
        stop: threading.Event,
    ) -> None:
        self._producer = producer
        self._handle = handle
        self._refuse = refuse
        self._pulse = pulse
        self._stop = stop
        self._finished: dict[Place, int] = {}
        self.member = join(self._on_released)
        self._group = self.member.group

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self.member.close()
        if isinstance(error, _StoppedError):
            logger().info("stopped while waiting")
            return True
        return False

    def settle(self, batch: Sequence[Incoming]) -> None:
        """Handle the batch and deliver what comes of it. Raises what `loop.run` names."""
        metrics.BATCHES.labels(self._group).inc()
        with self._in_flight(batch):
            with self._stage("handle"):
                self._halve(batch)
            with self._stage("deliver"):
                self.patiently(partial(self._producer.flush, FLUSH_SECONDS))

    def commit(self, offsets: Mapping[Place, int]) -> None:
        """Commit these next offsets, of which all is settled; what fails now is committed by a
        later call."""
        self._finished |= offsets
        if self._finished:
            with self._stage("commit"):
                if self.member.commit(self._finished):
                    self._finished.clear()

    def patiently(self, work: Callable[[], T]) -> T:
        """Do it and return what it does; what is broken is waited out, what is unexpected is tried
        a few times."""
        wait, failures = FIRST_WAIT, 0
        while True:
            try:
                done = work()
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
                return done
            wait = min(2 * wait, LONGEST_WAIT)

    def rest(self, seconds: float) -> None:
        """Read nothing for a while, but stay a member of the group; still paused afterwards."""
        self.member.pause()
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._stop.is_set():
                raise _StoppedError
            self.member.read(1, min(left, BATCH_SECONDS))

    def _halve(self, batch: Sequence[Incoming]) -> None:
        """Handle the batch; where that is invalid, halve it down to the message that is."""
        try:
            self.patiently(partial(self._handle_and_send, batch))
        except InvalidError as fault:
            if len(batch) == 1:
                self.patiently(partial(self._refuse, batch[0], fault))
                return
            middle = len(batch) // 2
            self._halve(batch[:middle])
            self._halve(batch[middle:])

    def _handle_and_send(self, batch: Sequence[Incoming]) -> None:
        for outgoing in self._handle(batch):
            self._producer.send(outgoing)

    def _wait(self, reason: str, fault: str, seconds: float) -> None:
        logger().warning("waiting", reason=reason, fault=fault, seconds=seconds)
        metrics.RETRIES.labels(self._group, reason).inc()
        metrics.BROKEN.labels(self._group).set(1)
        self._pulse.fault = fault or reason
        self.rest(seconds)

    def _recovered(self) -> None:
        if self._pulse.fault:
            self._pulse.fault = ""
            metrics.BROKEN.labels(self._group).set(0)
            self.member.resume()
            logger().info("working again")

    def _on_released(self, places: frozenset[Place], lost: bool) -> None:
        if not lost:
            self.commit({})
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


class _StoppedError(Exception):
    """Asked to stop while waiting: what is not finished will be read again."""


def ends_of(batch: Sequence[Incoming]) -> dict[Place, int]:
    """The next offset of each place of a batch."""
    return {(one.topic, one.partition): one.offset + 1 for one in batch}
