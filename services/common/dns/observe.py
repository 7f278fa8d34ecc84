"""What the lookups of one question say: the raw responses, read.

The status of a response follows from its bytes alone, so that evidence read again by a later
version may say something better than what was recorded.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from services.common.dns import rdata, rdtypes
from services.common.dns.lookup import Lookup, Observation, Question
from services.common.dns.names import BadNameError, is_subdomain, to_wire
from services.common.dns.status import DETERMINED, Status
from services.common.dns.wire import AA, AD, TC, UNKNOWN_EDE, MalformedError, Message, Record, read

RESOLVER = "resolver"
"""The server of a lookup that the configured resolvers answered."""

MAX_ALIASES = 11
"""CNAMEs followed in one answer, as widely used resolvers do."""

MAX_KEPT = 2048
"""Bytes of a response that is kept with its meaning; a greater one is read anew each time, so
that strangers cannot fill the memory."""

INTERNET = 1
NXDOMAIN = 3

_BY_RCODE = {
    1: Status.FORMERR,
    2: Status.SERVFAIL,
    4: Status.NOTIMP,
    5: Status.REFUSED,
    9: Status.NOTAUTH,
    16: Status.BADVERS,
}
_UNREACHABLE_EDE = frozenset({22, 23})
"""The resolver reached no server (RFC 8914 sections 4.23, 4.24): no matter of validation."""


def observe(question: Question, lookups: Sequence[Lookup], server: str = RESOLVER) -> Observation:
    """What `lookups` (all of this question at this server, in the order asked) say together.

    The first determined one counts, else the last. A SERVFAIL that CD=1 cures is BOGUS; it has
    no rdata, as a validating resolver gives out none.
    """
    seen = [
        _observed(question, lookup, server) for lookup in lookups if not lookup.checking_disabled
    ]
    if not seen:
        return Observation(*question, Status.NOT_ASKED, server=server)
    found = next((one for one in seen if one.determined), seen[-1])
    if found.status is Status.SERVFAIL and found.ede not in _UNREACHABLE_EDE:
        unchecked = [
            _observed(question, lookup, server) for lookup in lookups if lookup.checking_disabled
        ]
        cured = next((one for one in unchecked if one.determined), None)
        if cured is not None:
            return replace(found, status=Status.BOGUS, zone=cured.zone)
    return found


def said(question: Question, response: bytes, server: str = RESOLVER) -> Observation:
    """What one response says. Never raises: one that cannot be read was not observed."""
    read_it = _kept if len(response) <= MAX_KEPT else _said
    return read_it(question, response, server)


def _observed(question: Question, lookup: Lookup, server: str) -> Observation:
    if lookup.response:
        return said(question, lookup.response, server)
    return Observation(
        *question, lookup.status, server=server, reason=lookup.reason, ede=lookup.ede
    )


def _said(question: Question, response: bytes, server: str) -> Observation:
    try:
        return interpret(question, read(response), server)
    except MalformedError as error:
        reason = f"malformed response: {error}"
        return Observation(*question, Status.NETWORK, server=server, reason=reason)


_kept = lru_cache(maxsize=1 << 14)(_said)
"""The scanner asks twice what the same bytes say, and names that many sites share come with the
same bytes again and again."""


def interpret(question: Question, message: Message, server: str = RESOLVER) -> Observation:
    """What one message says. Raises MalformedError for damaged rdata that matters."""
    failure = _failure(message)
    if failure is not None:
        known = message.rcode in _BY_RCODE or failure is Status.TRUNCATED
        reason = "" if known else f"rcode {message.rcode}"
        return Observation(*question, failure, server=server, reason=reason, ede=message.ede)
    status, records, aliases, reason = _end(question, message, server)
    signed = message.flags & AD and server == RESOLVER and status in DETERMINED
    return Observation(
        question.name,
        question.rdtype,
        status,
        _texts(message, records),
        tuple(aliases),
        server,
        bool(signed),
        "" if aliases else _zone(question.name, message),
        reason,
        message.ede,
    )


def _texts(message: Message, records: list[Record]) -> tuple[str, ...]:
    if len(records) < 2:
        return tuple([rdata.text(message, record) for record in records])
    return tuple(sorted({rdata.text(message, record) for record in records}))


def _failure(message: Message) -> Status | None:
    """The status of a response that says nothing about the name, else None."""
    if message.rcode in (0, NXDOMAIN):
        return Status.TRUNCATED if message.flags & TC else None
    if message.rcode == 2 and message.ede == UNKNOWN_EDE:
        return Status.UNKNOWN
    return _BY_RCODE.get(message.rcode, Status.SERVFAIL)


def _end(
    question: Question, message: Message, server: str
) -> tuple[Status, list[Record], list[str], str]:
    """Where the CNAMEs and DNAMEs in the answer lead: the status there, the records of an answer,
    the aliases on the way, and why they could not be followed further."""
    wanted = rdtypes.code(question.rdtype)
    owner, aliases = question.name, list[str]()
    while not (records := _records(message, owner, wanted)) and wanted != rdtypes.CNAME:
        target = _target(message, owner)
        if target is None:
            break
        if target == question.name or target in aliases:
            return Status.NODATA_UNPROVEN, [], aliases, "CNAME loop"
        if len(aliases) == MAX_ALIASES:
            return Status.NODATA_UNPROVEN, [], aliases, f"more than {MAX_ALIASES} CNAMEs"
        aliases.append(target)
        owner = target
    if message.rcode == NXDOMAIN:
        return Status.NXDOMAIN, [], aliases, ""
    if records:
        return Status.ANSWERED, records, aliases, ""
    return _empty(message, owner, server), [], aliases, ""


def _empty(message: Message, owner: str, server: str) -> Status:
    """The status of NOERROR without the records asked for (RFC 2308 section 2.2)."""
    authority = message.authority
    if any(r.rdtype == rdtypes.SOA and is_subdomain(owner, r.name) for r in authority):
        proven = server == RESOLVER or message.flags & AA
        return Status.NODATA if proven else Status.NODATA_UNPROVEN
    if not message.flags & AA and any(r.rdtype == rdtypes.NS for r in authority):
        return Status.REFERRAL
    return Status.NODATA_UNPROVEN


def _records(message: Message, owner: str, rdtype: int) -> list[Record]:
    return [
        record
        for record in message.answer
        if record.rdtype == rdtype and record.name == owner and record.rdclass == INTERNET
    ]


def _target(message: Message, owner: str) -> str | None:
    """Where the name leads by its CNAME, or by a DNAME above it (RFC 6672 section 2.2)."""
    cnames = _records(message, owner, rdtypes.CNAME)
    if cnames:
        return min(rdata.text(message, record) for record in cnames)
    for record in message.answer:
        if record.rdtype == rdtypes.DNAME and owner != record.name:
            return _substituted(owner, record.name, rdata.text(message, record))
    return None


def _substituted(owner: str, above: str, target: str) -> str | None:
    if above == "." or not is_subdomain(owner, above):
        return None
    below = owner.removesuffix("." + above)
    name = below if target == "." else f"{below}.{target}"
    try:
        to_wire(name)
    except BadNameError:  # too long: RFC 6672 has the server answer YXDOMAIN
        return None
    return name


def _zone(name: str, message: Message) -> str:
    for section in (message.answer, message.authority):
        for record in section:
            if record.rdtype == rdtypes.SOA and is_subdomain(name, record.name):
                return record.name
    return ""
