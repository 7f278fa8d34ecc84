"""What it takes to judge where a site's mail goes (RFC 5321 section 5.1)."""

from services.common.dns.lookup import Observation, Question
from services.common.dns.status import Status
from services.common.questions.answers import Answers
from services.common.records.mx import HOSTS, form_of, read_mx

MAX_EXCHANGES = 20
"""Exchanges whose addresses are asked, the first that a sender would try."""


def wanted(domain: str, known: Answers) -> list[Question]:
    """The MX records, the addresses of every exchange, and the site's own where it has none."""
    start = Question(domain, "MX")
    seen = known.get(start)
    if seen is None or seen.status is Status.NXDOMAIN:
        return [start]
    hosts = exchanges(seen)[:MAX_EXCHANGES] if seen.answered else [domain]
    return [start, *(question for host in hosts for question in addresses_of(host))]


def exchanges(seen: Observation) -> list[str]:
    """The names that have addresses to ask for, each once, in the order of preference."""
    names = dict.fromkeys(record.exchange for record in read_mx(seen.rdata))
    return [name for name in names if form_of(name) in HOSTS]


def addresses_of(host: str) -> tuple[Question, Question]:
    return Question(host, "A"), Question(host, "AAAA")
