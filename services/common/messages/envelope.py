"""Messages as services see them, and the two ways in which handling one can fail."""

from dataclasses import dataclass

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it was read. `timestamp` is milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int

    @property
    def size(self) -> int:
        return len(self.value or b"")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to deliver. Without `partition` the key decides (murmur2)."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers = ()
    partition: int | None = None


class InvalidError(Exception):
    """This input can never be processed: it becomes a dead letter with this text as the reason."""


class BrokenError(Exception):
    """Broker, database or resolver are out of reach: wait with back-off and try the same again."""


def run_header(run_id: int) -> tuple[str, bytes]:
    """The header by which a replay keeps the messages of its run."""
    return ("run_id", b"%d" % run_id)
