"""An archive, read as a topic is: by any number of members that share its partitions."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, Engine, text

from services.common.messages.envelope import BrokenError, Incoming
from services.common.store import replays
from services.common.store.faults import translated
from services.common.stream.archive import Archive, Container
from services.common.stream.consumer import Place
from services.common.telemetry.health import Pulse
from services.common.telemetry.logs import logger

_LOCK = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")


@dataclass(frozen=True, slots=True)
class _Claim:
    container: Container
    messages: Iterator[Incoming]


class ArchiveMember:
    """One at a time it claims a partition that nobody reads, and goes on where its last reader
    came to.

    A claim is an advisory lock, so it lives as long as its database connection: the partition of
    a member that dies is free at once, and one that is cut off begins again with another claim.
    What it had in work is then done twice. Positions are moved on that same connection.
    """

    def __init__(self, archive: Archive, engine: Engine, group: str, pulse: Pulse) -> None:
        self.group = group
        self.done = False
        """Whether all partitions have been read to their ends, by whomever."""
        self._archive = archive
        self._engine = engine
        self._pulse = pulse
        self._paused = False
        self._connection: Connection | None = None
        self._claim: _Claim | None = None

    def read(self, count: int, seconds: float) -> list[Incoming]:
        """Up to `count` messages of one partition; none after `seconds` while others read all
        that is left. Raises ArchiveError."""
        self._pulse.touch()
        if not self._paused and not self.done:
            try:
                if batch := self._next(count):
                    return batch
            except BrokenError as error:
                self._lost(error)
        if not self.done:
            time.sleep(seconds)
        return []

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def commit(self, offsets: Mapping[Place, int]) -> bool:
        """Move the position of the partition that is claimed. Always true: where that fails the
        claim is lost, and with it the work since the last commit."""
        topic = self._archive.manifest.topic
        if self._claim and (topic, self._claim.container.partition) in offsets:
            try:
                self._move(self._claim, offsets[topic, self._claim.container.partition])
            except BrokenError as error:
                self._lost(error)
        return True

    def close(self) -> None:
        self._claim = None
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _next(self, count: int) -> list[Incoming]:
        if self._claim is None:
            with translated():
                self._claim = self._take(self._connected())
        if self._claim is None:
            return []
        batch = list(islice(self._claim.messages, count))
        if not batch:
            self._move(self._claim, self._claim.container.end)
            self._release(self._connected(), self._claim.container)
            self._claim = None
        return batch

    def _take(self, connection: Connection) -> _Claim | None:
        left = self._left(connection)
        self.done = not left
        for container in left:
            if connection.execute(_LOCK, {"name": self._name(container)}).scalar_one():
                # Its last reader may have come to the end before the lock was ours.
                if container in self._left(connection):
                    return self._claimed(connection, container)
                self._release(connection, container)
        return None

    def _claimed(self, connection: Connection, container: Container) -> _Claim:
        self._archive.verify(container)
        at = replays.positions(connection, self.group).get(container.partition, container.start)
        logger().info("partition claimed", partition=container.partition, offset=at)
        return _Claim(container, self._archive.messages(container, at))

    def _left(self, connection: Connection) -> list[Container]:
        positions = replays.positions(connection, self.group)
        return [
            one
            for one in self._archive.manifest.containers
            if positions.get(one.partition, one.start) < one.end
        ]

    def _move(self, claim: _Claim, offset: int) -> None:
        with translated():
            replays.move(self._connected(), self.group, claim.container.partition, offset)

    def _release(self, connection: Connection, container: Container) -> None:
        with translated():
            connection.execute(_UNLOCK, {"name": self._name(container)})

    def _connected(self) -> Connection:
        if self._connection is None:
            connection = self._engine.connect()
            self._connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        return self._connection

    def _lost(self, error: BrokenError) -> None:
        logger().warning("claim lost", fault=str(error))
        self.close()

    def _name(self, container: Container) -> str:
        return f"{self.group}/{container.partition}"
