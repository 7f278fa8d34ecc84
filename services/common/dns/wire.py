"""A lean reader of DNS messages (RFC 1035 section 4): it decodes what it is asked for.

Names are decoded once per message; rdata only on demand. Bytes after the last record are
ignored, as resolvers do.
"""

import struct
from typing import NamedTuple

from services.common.dns.names import MAX_WIRE, text_of
from services.common.dns.rdtypes import OPT

QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
"""Bits of the header's second 16 bits."""

EDE_OPTION = 15
UNKNOWN_EDE = 65280
"""Info code of a test world's SERVFAIL for what it does not know: the first for private use
(RFC 8914 section 5.2)."""

HEADER_SIZE = 12
MAX_POINTERS = 127
"""In one name: as many as it can have labels."""
_HEADER = struct.Struct("!6H").unpack_from
_RECORD = struct.Struct("!HHIH").unpack_from
_PAIR = struct.Struct("!HH").unpack_from


class MalformedError(ValueError):
    """The bytes are no DNS message; the text says what is wrong where."""


class Record(NamedTuple):
    """A resource record; its rdata is `data[start:end]` of the message."""

    name: str
    rdtype: int
    rdclass: int
    ttl: int
    start: int
    end: int


class Message(NamedTuple):
    """A message read. Record types are numbers, names are text (see `names`)."""

    data: bytes
    id: int
    flags: int
    """The header's second 16 bits."""
    rcode: int
    """Extended by OPT where there is one."""
    qname: str
    """"" where the message has no question."""
    qtype: int
    answer: list[Record]
    authority: list[Record]
    edns: bool
    ede: int | None
    """The first extended DNS error code."""
    known_names: "KnownNames"

    def name(self, at: int) -> tuple[str, int]:
        """The name at byte `at`, and where it ends there. Raises MalformedError."""
        return _name(self.data, at, self.known_names)


KnownNames = dict[int, tuple[str, int]]
"""Text and wire size of the names decoded, by their place."""


def read(response: bytes) -> Message:
    """Read a whole message: header, question, answer, authority, OPT. Raises MalformedError."""
    try:
        return _read(response)
    except (IndexError, struct.error):
        raise MalformedError(f"cut off after {len(response)} bytes") from None


def _read(data: bytes) -> Message:
    ident, flags, questions, answers, authorities, additionals = _HEADER(data)
    known: KnownNames = {}
    qname, qtype, at = "", 0, HEADER_SIZE
    if questions:
        if questions > 1:
            raise MalformedError(f"{questions} questions")
        qname, at = _name(data, at, known)
        qtype, _ = _PAIR(data, at)
        at += 4
    answer, at = _records(data, at, answers, known) if answers else ([], at)
    authority, at = _records(data, at, authorities, known) if authorities else ([], at)
    rcode, edns, ede = flags & 0xF, False, None
    for _ in range(additionals):
        opt, start, end = _additional(data, at)
        if opt is not None:
            edns = True
            rcode |= opt >> 24 << 4
            ede = _first_ede(data, start, end)
        at = end
    return Message(data, ident, flags, rcode, qname, qtype, answer, authority, edns, ede, known)


def _records(data: bytes, at: int, count: int, known: KnownNames) -> tuple[list[Record], int]:
    records = []
    length: int
    for _ in range(count):
        if data[at] == 0xC0 and (hit := known.get(data[at + 1])):
            name = hit[0]
            at += 2
        else:
            name, at = _name(data, at, known)
        rdtype, rdclass, ttl, length = _RECORD(data, at)
        start = at + 10
        at = start + length
        records.append(Record(name, rdtype, rdclass, ttl, start, at))
    if at > len(data):
        raise MalformedError(f"rdata cut off after {len(data)} bytes")
    return records, at


def _additional(data: bytes, at: int) -> tuple[int | None, int, int]:
    """The TTL of an OPT record (RFC 6891 section 6.1.3), None of any other, and where the rdata
    begins and ends."""
    while length := data[at]:
        if length >= 0xC0:
            at += 1
            break
        at += length + 1
    rdtype, _, ttl, length = _RECORD(data, at + 1)
    end: int = at + 11 + length
    if end > len(data):
        raise MalformedError(f"rdata cut off after {len(data)} bytes")
    return ttl if rdtype == OPT else None, at + 11, end


def _first_ede(data: bytes, at: int, end: int) -> int | None:
    while at + 4 <= end:
        option, length = _PAIR(data, at)
        if option == EDE_OPTION and length >= 2 and at + 6 <= end:
            return data[at + 4] << 8 | data[at + 5]
        at += 4 + length
    return None


def _name(data: bytes, at: int, known: KnownNames) -> tuple[str, int]:
    """Text of the name at `at` and the place after it. Pointers must lead strictly backwards,
    which ends every loop; their number is capped as long chains of them cost time."""
    start = limit = at
    end = hops = 0
    labels: list[bytes] = []
    rest, size = "", 1
    while length := data[at]:
        if length < 0x40:
            labels.append(data[at + 1 : at + 1 + length])
            at += 1 + length
            size += 1 + length
        elif length >= 0xC0:
            target = (length & 0x3F) << 8 | data[at + 1]
            hops += 1
            if target >= limit or hops > MAX_POINTERS:
                raise MalformedError(f"compression pointer at byte {at} does not lead back")
            end = end or at + 2
            at = limit = target
            if hit := known.get(target):
                rest, more = hit
                size += more - 1
                break
        else:
            raise MalformedError(f"label type {length >> 6} at byte {at}")
        if size > MAX_WIRE:
            break
    if size > MAX_WIRE:
        raise MalformedError(f"name at byte {start} is longer than {MAX_WIRE} bytes")
    name = text_of(labels) if labels else "."
    if rest and rest != ".":
        name = f"{name}.{rest}" if labels else rest
    known[start] = name, size
    return name, end or at + 1
