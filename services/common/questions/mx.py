"""What it takes to judge where a site's mail goes (RFC 5321 section 5.1)."""

from services.common.dns.lookup import Observation, Question
from services.common.dns.status import Status
from services.common.questions.answers import Answers
from services.common.records.mx import MxRecord, host_fault, read_mx

MAX_EXCHANGES = 20
"""Exchanges whose addresses are asked, the first that a sender would try."""


def wanted(domain: str, known: Answers) -> list[Question]:
    """The MX records, the addresses of every exchange, and the site's own where it has none."""
    start = existence(domain, known)
    seen = known.get(start)
    if seen is None or start.rdtype != "MX" or seen.status is Status.NXDOMAIN:
        return [start]
    hosts = exchanges(seen)[:MAX_EXCHANGES] if seen.answered else [domain]
    return [start, *(question for host in hosts for question in addresses_of(host))]


def existence(domain: str, known: Answers) -> Question:
    """The question that tells whether the site's name exists: MX, or the SOA where that already
    said that it does not (RFC 8020)."""
    soa = Question(domain, "SOA")
    seen = known.get(soa)
    missing = seen is not None and seen.status is Status.NXDOMAIN
    return soa if missing else Question(domain, "MX")


def exchanges(seen: Observation) -> list[str]:
    """The names that have addresses to ask for, each once, in the order of preference."""
    return list(dict.fromkeys(r.exchange for r in read_mx(seen.rdata) if is_host(r)))


def is_host(record: MxRecord) -> bool:
    """The exchange is a host, and not an address, no name at all or a proof of ownership."""
    return host_fault(record.exchange) in ("", "underscore") and not is_ownership_proof(record)


def is_ownership_proof(record: MxRecord) -> bool:
    """A name under `.invalid` can never exist (RFC 6761 section 6.4): providers have such a record
    published only to see who owns the domain."""
    return record.exchange.endswith(".invalid")


def addresses_of(host: str) -> tuple[Question, Question]:
    return Question(host, "A"), Question(host, "AAAA")
