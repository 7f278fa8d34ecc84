"""Rdata as text: presentation form without final dots, in lower case where it is a name.

A type that is not known here comes in the generic form of RFC 3597 section 5.
"""

import base64
import struct
from collections.abc import Callable
from ipaddress import IPv6Address

from services.common.dns import rdtypes
from services.common.dns.wire import MalformedError, Message, Record

_SHORT = struct.Struct("!H").unpack_from
_SRV = struct.Struct("!HHH").unpack_from
_SOA = struct.Struct("!IIIII").unpack_from
_MAPPED = bytes(10) + b"\xff\xff"
_QUOTED = {c: f"\\{c:03d}" for c in range(256) if not 0x20 <= c < 0x7F} | {
    ord(c): f"\\{c}" for c in '"\\'
}


def text(message: Message, record: Record) -> str:
    """The rdata of a record of the message. Raises MalformedError."""
    present = _PRESENT.get(record.rdtype, _generic)
    try:
        return present(message, record.start, record.end)
    except (IndexError, struct.error):
        raise _malformed(record.start) from None


def _malformed(start: int) -> MalformedError:
    return MalformedError(f"rdata at byte {start} has the wrong length")


def _require(whole: bool, start: int) -> None:
    if not whole:
        raise _malformed(start)


def _a(message: Message, start: int, end: int) -> str:
    _require(end - start == 4, start)
    return ".".join(map(str, message.data[start:end]))


def _aaaa(message: Message, start: int, end: int) -> str:
    _require(end - start == 16, start)
    address = message.data[start:end]
    if address.startswith(_MAPPED):  # ipaddress writes these differently from 3.13 on
        return "::ffff:" + ".".join(map(str, address[12:]))
    return str(IPv6Address(address))


def _name(message: Message, start: int, end: int) -> str:
    name, after = message.name(start)
    _require(after == end, start)
    return name


def _mx(message: Message, start: int, end: int) -> str:
    (preference,) = _SHORT(message.data, start)
    return f"{preference} {_name(message, start + 2, end)}"


def _srv(message: Message, start: int, end: int) -> str:
    priority, weight, port = _SRV(message.data, start)
    return f"{priority} {weight} {port} {_name(message, start + 6, end)}"


def _soa(message: Message, start: int, end: int) -> str:
    primary, at = message.name(start)
    mailbox, at = message.name(at)
    _require(at + 20 == end, start)
    return " ".join((primary, mailbox, *map(str, _SOA(message.data, at))))


def _txt(message: Message, start: int, end: int) -> str:
    """Character-strings joined, one latin-1 character per byte."""
    data = message.data
    if start < end and start + 1 + data[start] == end:
        return data[start + 1 : end].decode("latin-1")
    strings = []
    at = start
    while at < end:
        after = at + 1 + data[at]
        strings.append(data[at + 1 : after])
        at = after
    _require(at == end, start)
    return b"".join(strings).decode("latin-1")


def _caa(message: Message, start: int, end: int) -> str:
    """RFC 8659 section 4.1.1: flags, tag, quoted value."""
    data = message.data
    value = start + 2 + data[start + 1]
    _require(start + 2 < value <= end, start)
    tag = data[start + 2 : value].decode("latin-1").translate(_QUOTED)
    quoted = data[value:end].decode("latin-1").translate(_QUOTED)
    return f'{data[start]} {tag} "{quoted}"'


def _ds(message: Message, start: int, end: int) -> str:
    _require(end - start >= 4, start)
    data = message.data
    (tag,) = _SHORT(data, start)
    return f"{tag} {data[start + 2]} {data[start + 3]} {data[start + 4 : end].hex()}"


def _dnskey(message: Message, start: int, end: int) -> str:
    _require(end - start >= 4, start)
    data = message.data
    (flags,) = _SHORT(data, start)
    key = base64.b64encode(data[start + 4 : end]).decode()
    return f"{flags} {data[start + 2]} {data[start + 3]} {key}"


def _tlsa(message: Message, start: int, end: int) -> str:
    _require(end - start >= 3, start)
    data = message.data
    return f"{data[start]} {data[start + 1]} {data[start + 2]} {data[start + 3 : end].hex()}"


def _generic(message: Message, start: int, end: int) -> str:
    if start == end:
        return "\\# 0"
    return f"\\# {end - start} {message.data[start:end].hex()}"


_PRESENT: dict[int, Callable[[Message, int, int], str]] = {
    rdtypes.A: _a,
    rdtypes.AAAA: _aaaa,
    rdtypes.NS: _name,
    rdtypes.CNAME: _name,
    rdtypes.DNAME: _name,
    rdtypes.PTR: _name,
    rdtypes.MX: _mx,
    rdtypes.SRV: _srv,
    rdtypes.SOA: _soa,
    rdtypes.TXT: _txt,
    rdtypes.CAA: _caa,
    rdtypes.DS: _ds,
    rdtypes.DNSKEY: _dnskey,
    rdtypes.TLSA: _tlsa,
}
