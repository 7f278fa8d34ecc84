"""A question, the lookup that asked it, and what was observed by it."""

from dataclasses import dataclass
from typing import NamedTuple

from services.common.dns.status import ABSENT, DETERMINED, Status


class Question(NamedTuple):
    """What is asked: a name (lower case, `\\DDD`-escaped, no final dot; the root is ".") and a
    type mnemonic such as "TXT"."""

    name: str
    rdtype: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """One question asked of one server and how it ended: raw evidence, never edited."""

    name: str
    rdtype: str
    server: str
    """"resolver", or the published address of the name server asked directly."""
    transport: str
    """"udp", "tcp", or "" where nothing was sent."""
    status: Status
    reason: str
    """Why it was not asked, or why the response is not kept; "" otherwise."""
    checking_disabled: bool
    """Asked with CD=1."""
    flags: int
    """The header's second 16 bits as received; 0 without a response."""
    ede: int | None
    """First extended DNS error code (RFC 8914)."""
    attempts: int
    received_at: int
    """Microseconds since the epoch; for a lookup without response, when it was given up."""
    rtt: int
    """Microseconds of the last attempt."""
    response: bytes
    """The response as received; empty without one, or where the cap on evidence cut it."""
    response_size: int
    response_sha256: bytes
    """Set only where the response was cut from the evidence."""

    @property
    def question(self) -> Question:
        return Question(self.name, self.rdtype)


@dataclass(frozen=True, slots=True)
class Observation:
    """What the lookups of one question at one server say, parsed.

    `rdata` is sorted and free of duplicates. TXT is one character per byte (latin-1) with its
    character-strings joined; every other type is presentation form with names in lower case and
    without final dots ("10 mx.example.com", "192.0.2.1").
    """

    name: str
    rdtype: str
    status: Status
    rdata: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """Targets of the CNAMEs followed, in order."""
    server: str = "resolver"
    signed: bool = False
    """The resolver validated the answer (AD)."""
    zone: str = ""
    """Owner of the SOA in answer or authority; "" where none was seen or it is behind a CNAME."""
    reason: str = ""
    ede: int | None = None

    @property
    def question(self) -> Question:
        return Question(self.name, self.rdtype)

    @property
    def answered(self) -> bool:
        return self.status is Status.ANSWERED

    @property
    def absent(self) -> bool:
        """Proven not to exist. Never true for what could not be observed."""
        return self.status in ABSENT

    @property
    def determined(self) -> bool:
        return self.status in DETERMINED
