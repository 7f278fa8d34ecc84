"""Names, records and messages as dnspython builds them."""

import string

import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from hypothesis import strategies as st

_PLAIN = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=12)
_LABELS = _PLAIN.map(str.encode) | st.binary(min_size=1, max_size=63)


@st.composite
def names(draw: st.DrawFn) -> dns.name.Name:
    """Absolute names, the root among them; labels of any bytes."""
    labels = draw(st.lists(_LABELS, max_size=5))
    while sum(len(label) + 1 for label in labels) > 254:
        labels.pop()
    return dns.name.Name([*labels, b""])


def _bits(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


def _name_wire() -> st.SearchStrategy[bytes]:
    return names().map(lambda name: name.to_wire() or b"")


def _joined(*parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*parts).map(b"".join)


def _strings(minimum: int) -> st.SearchStrategy[bytes]:
    one = st.binary(max_size=255).map(lambda text: bytes([len(text)]) + text)
    return st.lists(one, min_size=minimum, max_size=4).map(b"".join)


def _tagged() -> st.SearchStrategy[bytes]:
    tag = st.text(string.ascii_letters + string.digits, min_size=1, max_size=15)
    return tag.map(lambda text: bytes([len(text)]) + text.encode())


def _matched() -> st.SearchStrategy[bytes]:
    """A TLSA matching type and its data, which dnspython wants as long as the digest."""
    lengths = {0: st.binary(min_size=1, max_size=64), 1: _bits(32), 2: _bits(64)}
    return st.one_of([_joined(st.just(bytes([kind])), data) for kind, data in lengths.items()])


RDATA: dict[str, st.SearchStrategy[bytes]] = {
    "A": _bits(4),
    "AAAA": _bits(16),
    "NS": _name_wire(),
    "CNAME": _name_wire(),
    "DNAME": _name_wire(),
    "PTR": _name_wire(),
    "MX": _joined(_bits(2), _name_wire()),
    "SRV": _joined(_bits(6), _name_wire()),
    "SOA": _joined(_name_wire(), _name_wire(), _bits(20)),
    "TXT": _strings(1),
    "CAA": _joined(_bits(1), _tagged(), st.binary(max_size=60)),
    "DS": _joined(_bits(3), st.just(b"\x02"), _bits(32)),
    "DNSKEY": _joined(_bits(4), st.binary(min_size=1, max_size=80)),
    "TLSA": _joined(_bits(2), _matched()),
    "TYPE65500": st.binary(max_size=40),
}
"""Uncompressed rdata of every type that the reader presents."""


@st.composite
def rrsets(draw: st.DrawFn, owner: dns.name.Name, rdtype: str) -> dns.rrset.RRset:
    rrset = dns.rrset.RRset(owner, dns.rdataclass.IN, dns.rdatatype.from_text(rdtype))
    for wire in draw(st.lists(RDATA[rdtype], min_size=1, max_size=4)):
        rrset.add(
            dns.rdata.from_wire(rrset.rdclass, rrset.rdtype, wire, 0, len(wire)),
            ttl=draw(st.integers(0, 2**31 - 1)),
        )
    return rrset


@st.composite
def answers(draw: st.DrawFn) -> dns.message.Message:
    """Responses with an answer to their question, a SOA in authority, glue and EDNS or not."""
    owner, rdtype = draw(names()), draw(st.sampled_from(sorted(RDATA)))
    query = dns.message.make_query(owner, rdtype, use_edns=draw(st.booleans()))
    message = dns.message.make_response(query, recursion_available=True)
    if draw(st.booleans()):
        message.flags |= dns.flags.AD
    message.answer.append(draw(rrsets(owner, rdtype)))
    zone = owner.parent() if len(owner) > 1 else owner
    message.authority.append(draw(rrsets(zone, "SOA")))
    message.additional.append(draw(rrsets(draw(names()), "A")))
    return message
