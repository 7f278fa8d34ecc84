"""A message that can never be processed, wrapped with its reason and origin, and unwrapped."""

from dataclasses import dataclass

from services.common.messages.envelope import Headers, Incoming, Outgoing
from services.common.messages.topics import DEAD_LETTER_SUFFIX, dead_letter

MAX_REASON = 1_000
_PREFIX = "dead_letter_"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as it was read; `partition` and `offset` are where it lies."""

    partition: int
    offset: int
    origin: Incoming
    """The message as it was; partition and offset are -1 where the letter does not say them. Its
    time is that of the letter."""
    service: str
    reason: str
    at: int
    """Milliseconds since the epoch."""

    @property
    def topic(self) -> str:
        """Where the letter lies."""
        return dead_letter(self.origin.topic)

    @property
    def id(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"

    @property
    def run(self) -> int | None:
        """The run that the message says it is of."""
        number = dict(self.origin.headers).get("run_id", b"")
        return int(number) if _is_number(number) else None


def wrap(incoming: Incoming, reason: str, service: str, at: int) -> Outgoing:
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


def unwrap(incoming: Incoming) -> DeadLetter:
    """What lies in a dead-letter topic; whatever a stranger may have put there can be read."""
    told = {name: value for name, value in incoming.headers if name.startswith(_PREFIX)}
    origin = Incoming(
        topic=incoming.topic.removesuffix(DEAD_LETTER_SUFFIX),
        partition=_number(told, "partition", -1),
        offset=_number(told, "offset", -1),
        key=incoming.key,
        value=incoming.value,
        headers=tuple(pair for pair in incoming.headers if pair[0] not in told),
        timestamp=incoming.timestamp,
    )
    return DeadLetter(
        partition=incoming.partition,
        offset=incoming.offset,
        origin=origin,
        service=_text(told, "service"),
        reason=_text(told, "reason"),
        at=_number(told, "at", incoming.timestamp),
    )


def _text(told: dict[str, bytes], name: str) -> str:
    return told.get(_PREFIX + name, b"").decode("utf-8", "replace")


def _number(told: dict[str, bytes], name: str, otherwise: int) -> int:
    value = told.get(_PREFIX + name, b"")
    return int(value) if _is_number(value) else otherwise


def _is_number(value: bytes) -> bool:
    """One that PostgreSQL's bigint can hold."""
    return value.isdigit() and len(value) < 19
