"""Answers as bytes: of a recursive resolver, and of a name server (RFC 1035, 6891, 8914)."""

import struct
from dataclasses import dataclass

from deploy.local.world.model import Found, Rcode, Rrset, World
from services.common.dns import rdtypes
from services.common.dns.names import BadNameError, from_wire, to_wire
from services.common.dns.wire import AA, AD, CD, HEADER_SIZE, QR, RA, RD, TC

MAX_CHAIN = 12
"""CNAMEs that the resolver follows before it gives up."""
UDP_SIZE = 1232
CLASSIC_SIZE = 512
INTERNET = 1
_DNSSEC_BOGUS = 6
_OPCODE = 0x7800
_POINTER_TO_QUESTION = b"\xc0\x0c"
_RECORD = struct.Struct("!HHIH").pack


@dataclass(frozen=True, slots=True)
class Query:
    """A question as received. `size` is what the asker takes over UDP."""

    name: str
    rdtype: int
    flags: int
    end: int
    """Where the question section ends."""
    edns: bool = False
    version: int = 0
    size: int = CLASSIC_SIZE
    dnssec: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A response without id and question: what follows the id, and what follows the question.
    `short` is what goes out instead where the whole does not fit."""

    head: bytes
    tail: bytes
    short: "Prepared | None" = None


class UnreadableError(ValueError):
    """The bytes are no query that could be answered."""


def parse(packet: bytes) -> Query:
    """Raises UnreadableError."""
    if len(packet) < HEADER_SIZE + 5:
        raise UnreadableError("shorter than a question")
    flags, questions = struct.unpack_from("!HH", packet, 2)
    end = packet.find(b"\0", HEADER_SIZE) if questions == 1 else -1
    end = _name_end(packet) if end >= 0 else -1
    if flags & QR or flags & _OPCODE or end < 0 or len(packet) < end + 4:
        raise UnreadableError("not one whole question")
    try:
        name = from_wire(packet[HEADER_SIZE:end])
    except BadNameError as error:
        raise UnreadableError(str(error)) from error
    rdtype, rdclass = struct.unpack_from("!HH", packet, end)
    if rdclass != INTERNET:
        raise UnreadableError(f"class {rdclass}")
    query = Query(name, rdtype, flags, end + 4)
    return _with_edns(query, packet)


def recursive(world: World, query: Query) -> Prepared | None:
    """What a validating resolver answers; None where it stays silent."""
    chain: list[Rrset] = []
    name, signed = query.name, True
    while True:
        found = world.find(name, query.rdtype)
        if found.silent:
            return None
        if found.bogus and not query.flags & CD:
            return _message(query, RA, Found(rcode=Rcode.SERVFAIL, ede=_DNSSEC_BOGUS), [])
        signed = signed and found.signed and not found.bogus
        target = _alias(found, query.rdtype)
        if found.records:
            chain.append(found.records)
        if target is None:
            return _message(query, RA | (AD if signed else 0), found, chain)
        if len(chain) > MAX_CHAIN:
            return _message(query, RA, Found(rcode=Rcode.SERVFAIL), [])
        if any(seen.owner == target for seen in chain):
            return _message(query, RA, found, chain)
        name = target


def authoritative(world: World, zones: frozenset[str], query: Query) -> Prepared | None:
    """What a name server that holds `zones` answers; None where it stays silent."""
    found = world.find_at(zones, query.name, query.rdtype)
    if found.silent:
        return None
    own = found.referral is None and found.rcode in (Rcode.NOERROR, Rcode.NXDOMAIN)
    return _message(query, AA if own else 0, found, [found.records] if found.records else [])


def assemble(packet: bytes, query: Query, prepared: Prepared, limit: int) -> bytes:
    """The response to this packet, at most `limit` bytes: cut to nothing with TC if longer."""
    question = packet[HEADER_SIZE : query.end]
    if 2 + len(prepared.head) + len(question) + len(prepared.tail) > limit and prepared.short:
        prepared = prepared.short
    return packet[:2] + prepared.head + question + prepared.tail


def _name_end(packet: bytes) -> int:
    at = HEADER_SIZE
    while at < len(packet) and packet[at]:
        at += 1 + packet[at]
    return at + 1 if at < len(packet) else -1


def _with_edns(query: Query, packet: bytes) -> Query:
    """The query with what its OPT record says, where one follows the question at once."""
    at = query.end
    if len(packet) < at + 11 or packet[at : at + 3] != b"\0\0\x29":
        return query
    size, _rcode, version, flags = struct.unpack_from("!HBBH", packet, at + 3)
    return Query(
        query.name,
        query.rdtype,
        query.flags,
        query.end,
        edns=True,
        version=version,
        size=max(size, CLASSIC_SIZE),
        dnssec=bool(flags & 0x8000),
    )


def _alias(found: Found, rdtype: int) -> str | None:
    """Where the found CNAME leads, unless it is what was asked for."""
    records = found.records
    if records is None or records.rdtype != rdtypes.CNAME or rdtype == rdtypes.CNAME:
        return None
    return from_wire(records.rdatas[0])


def _message(query: Query, flags: int, found: Found, answer: list[Rrset]) -> Prepared:
    if query.version:
        return _packed(query, flags & ~AD, Rcode.BADVERS, [], [], [], None)
    authority = [found.soa] if found.soa else []
    if found.referral:
        authority.append(found.referral.servers)
    glue = list(found.referral.glue) if found.referral else []
    return _packed(query, flags, found.rcode, answer, authority, glue, found.ede)


def _packed(
    query: Query,
    flags: int,
    rcode: Rcode,
    answer: list[Rrset],
    authority: list[Rrset],
    additional: list[Rrset],
    ede: int | None,
) -> Prepared:
    option = _option(query, rcode, ede) if query.edns else b""
    flags |= QR | query.flags & (RD | CD) | rcode & 0xF
    sections = (answer, authority, additional)
    counts = [sum(len(rrset.rdatas) for rrset in section) for section in sections]
    body = b"".join(_encoded(rrset, query.name) for section in sections for rrset in section)
    counts[2] += bool(option)
    short = Prepared(struct.pack("!5H", flags | TC, 1, 0, 0, bool(option)), option)
    return Prepared(struct.pack("!5H", flags, 1, *counts), body + option, short)


def _option(query: Query, rcode: Rcode, ede: int | None) -> bytes:
    data = b"" if ede is None else struct.pack("!HHH", 15, 2, ede)
    flags = 0x8000 if query.dnssec else 0
    return (
        b"\0"
        + struct.pack("!HHBBHH", rdtypes.OPT, UDP_SIZE, rcode >> 4, 0, flags, len(data))
        + data
    )


def _encoded(rrset: Rrset, qname: str) -> bytes:
    owner = _POINTER_TO_QUESTION if rrset.owner == qname else to_wire(rrset.owner)
    return b"".join(
        owner + _RECORD(rrset.rdtype, INTERNET, rrset.ttl, len(rdata)) + rdata
        for rdata in rrset.rdatas
    )
