"""A group and a producer in memory, which write down what is done to them in order."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from services.common.messages.envelope import Incoming, Outgoing
from services.common.stream.broker import Broker
from services.common.stream.consumer import Place, Released
from services.common.telemetry.health import Pulse


def incoming(
    offset: int, partition: int = 0, headers: tuple[tuple[str, bytes], ...] = ()
) -> Incoming:
    return Incoming("in", partition, offset, b"key", b"%d" % offset, headers, 0)


class Journal(list[str]):
    """What happened, in order."""


class FakeProducer:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.sent: list[Outgoing] = []
        self.faults: list[Exception] = []
        """Raised by the next flushes."""

    def send(self, message: Outgoing) -> None:
        self.journal.append(f"send {message.topic}")
        self.sent.append(message)

    def flush(self, timeout: float = 30.0) -> None:
        self.journal.append("flush")
        if self.faults:
            raise self.faults.pop(0)


class FakeMember:
    """Gives its batches one by one, then stops the loop."""

    def __init__(
        self,
        journal: Journal,
        batches: Iterable[Sequence[Incoming]],
        stop: threading.Event,
        during_wait: Callable[["FakeMember"], None] = lambda member: None,
    ) -> None:
        self.journal = journal
        self.batches = list(batches)
        self.stop = stop
        self.during_wait = during_wait
        self.commits: list[dict[Place, int]] = []
        self.refused_commits = 0
        self.paused = False
        self.adrift: set[Place] = set()
        self.released: Released = lambda places, lost: None

    def join(
        self, broker: Broker, topics: Sequence[str], group: str, pulse: Pulse, released: Released
    ) -> "FakeMember":
        self.group = group
        self.released = released
        return self

    def read(self, count: int, seconds: float) -> list[Incoming]:
        if self.paused:
            self.during_wait(self)
            return []
        if not self.batches:
            self.stop.set()
            return []
        return list(self.batches.pop(0))

    def pause(self) -> None:
        self.journal.append("pause")
        self.paused = True

    def resume(self) -> None:
        self.journal.append("resume")
        self.paused = False

    def commit(self, offsets: Mapping[Place, int]) -> bool:
        if self.refused_commits:
            self.refused_commits -= 1
            self.journal.append("commit refused")
            return False
        self.journal.append("commit")
        self.commits.append(dict(offsets))
        return True

    def close(self) -> None:
        self.released(frozenset({("in", 0), ("in", 1)}), False)
        self.journal.append("close")
