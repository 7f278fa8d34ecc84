"""Messages for a service that works on many at once under asyncio (the scanner).

A thread owns the consumer; messages cross to the event loop by `call_soon_threadsafe`, finished
ones come back by a queue. Committed is the contiguous finished prefix of each partition, after the
outputs of what it covers are delivered.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

from services.common.messages.envelope import BrokenError, Incoming, InvalidError
from services.common.stream.begin import RunStarts, begin
from services.common.stream.broker import Broker
from services.common.stream.consumer import Member, Place
from services.common.stream.dead_letters import DeadLetters
from services.common.stream.producer import Producer
from services.common.stream.progress import Progress
from services.common.telemetry import metrics
from services.common.telemetry.health import Pulse
from services.common.telemetry.logs import bound, logger

TURN_SECONDS = 0.1
TURN_MESSAGES = 16
"""So much at most may be in flight beyond the limit of bytes."""
COMMIT_SECONDS = 0.5
FLUSH_SECONDS = 5.0
REVOKE_SECONDS = 3.0
"""For the hook, the flush and the commit of what is being given up, together."""

OnRevoke = Callable[[frozenset[int]], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be read and not finished."""

    messages: int
    bytes: int


class Feed:
    """`async with feed:`, then `async for incoming in feed:`; call `done` or `refuse` for each.

    `on_revoke` is awaited on the event loop with the partitions about to be given up: cancel what
    is unfinished of them. It has `REVOKE_SECONDS`; what it leaves unfinished is read by another.
    Iteration ends after `stop`, and raises what ended the thread.
    """

    def __init__(
        self,
        broker: Broker,
        topic: str,
        group: str,
        producer: Producer,
        *,
        run_starts: RunStarts,
        service: str,
        pulse: Pulse,
        limits: Limits,
        partitions: int,
        on_revoke: OnRevoke,
    ) -> None:
        self._broker = broker
        self._topic = topic
        self._group = group
        self._producer = producer
        self._run_starts = run_starts
        self._letters = DeadLetters(producer, service)
        self._pulse = pulse
        self._limits = limits
        self._partitions = partitions
        self._on_revoke = on_revoke
        self._progress = Progress()
        self._finished: queue.SimpleQueue[Incoming] = queue.SimpleQueue()
        self._arrived: asyncio.Queue[Incoming | None] = asyncio.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"feed-{group}", daemon=True)
        self._error: BaseException | None = None
        self._assigned = 0

    @property
    def share(self) -> float:
        """The part of all partitions that this process has, 0 to 1."""
        return self._assigned / self._partitions

    def done(self, incoming: Incoming) -> None:
        """All outputs of this message were sent. A message given up meanwhile is ignored."""
        self._finished.put(incoming)

    def refuse(self, incoming: Incoming, fault: InvalidError) -> None:
        """The message can never be processed. Raises TooManyDeadLettersError, BrokenError."""
        self._letters.add(incoming, fault)
        self.done(incoming)

    def stop(self) -> None:
        """Give everything up and end the iteration. For any thread and signal handler."""
        self._stop.set()

    async def __aenter__(self) -> "Feed":
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        await asyncio.to_thread(self._thread.join)

    def __aiter__(self) -> "Feed":
        return self

    async def __anext__(self) -> Incoming:
        while (incoming := await self._arrived.get()) is not None:
            if self._progress.holds(incoming):
                self._letters.seen(1)
                return incoming
        self._arrived.put_nowait(None)
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    # What follows runs in the thread.

    def _run(self) -> None:
        with bound(group=self._group):
            try:
                self._read_until_stopped()
            except BaseException as error:
                self._error = error
                logger().exception("feed ended")
        self._loop.call_soon_threadsafe(self._arrived.put_nowait, None)

    def _read_until_stopped(self) -> None:
        self._member = Member(
            self._broker, [self._topic], self._group, self._pulse, self._on_released
        )
        try:
            next_commit = 0.0
            while not self._stop.is_set():
                self._turn()
                if time.monotonic() > next_commit:
                    self._commit(FLUSH_SECONDS)
                    self._begin()
                    next_commit = time.monotonic() + COMMIT_SECONDS
        finally:
            self._member.close()

    def _turn(self) -> None:
        room = self._limits.messages - self._progress.count
        if room > 0 and self._progress.bytes < self._limits.bytes:
            self._member.resume()
        else:
            self._member.pause()
        for incoming in self._member.read(max(1, min(room, TURN_MESSAGES)), TURN_SECONDS):
            self._progress.take(incoming, time.monotonic())
            self._loop.call_soon_threadsafe(self._arrived.put_nowait, incoming)
        self._assigned = len(self._member.mine)
        self._collect()

    def _collect(self) -> None:
        """Take note of what was finished."""
        while not self._finished.empty():
            self._progress.finish(self._finished.get_nowait())
        oldest = self._progress.oldest()
        age = 0.0 if oldest is None else time.monotonic() - oldest
        metrics.OLDEST_UNCOMMITTED.labels(self._group).set(age)
        metrics.IN_FLIGHT.labels(self._group).set(self._progress.count)
        metrics.IN_FLIGHT_BYTES.labels(self._group).set(self._progress.bytes)

    def _commit(self, seconds: float) -> None:
        """Deliver the outputs of what is finished, then commit it; what fails is kept for later."""
        self._collect()
        offsets = self._progress.finished()
        if not offsets:
            return
        if not self._works(partial(self._producer.flush, seconds)):
            return
        if self._member.commit(offsets):
            self._progress.committed(offsets)

    def _begin(self) -> None:
        if self._member.adrift:
            self._works(partial(begin, self._broker, self._member, self._run_starts))

    def _works(self, work: Callable[[], None]) -> bool:
        """Do it; false, and not ready, where something is broken: a later turn tries again."""
        try:
            work()
        except BrokenError as error:
            self._pulse.fault = str(error) or "broken"
            metrics.BROKEN.labels(self._group).set(1)
            logger().warning("waiting", fault=str(error))
            return False
        self._pulse.fault = ""
        metrics.BROKEN.labels(self._group).set(0)
        return True

    def _on_released(self, places: frozenset[Place], lost: bool) -> None:
        until = time.monotonic() + REVOKE_SECONDS
        hook = self._on_revoke(frozenset(partition for _, partition in places))
        waiting = asyncio.run_coroutine_threadsafe(hook, self._loop)
        try:
            waiting.result(REVOKE_SECONDS)
        except TimeoutError:
            waiting.cancel()
            logger().warning("revoked work did not end in time")
        if not lost:
            self._commit(max(0.1, until - time.monotonic()))
        self._progress.drop(places)
