"""What every site is asked: its zone, its name servers, and the records that more than one family
rests on.
"""

import hashlib
import hmac

from services.common.dns.lookup import Question
from services.common.dns.names import fits, is_subdomain, labels, parent
from services.common.dns.status import Status
from services.common.questions.answers import Answers
from services.common.questions.dmarc import discover

MAX_NAME_SERVERS = 13
MAX_CLIMB = 8
"""Names asked on the way from a site towards the root."""

AT_APEX = ("NS", "SOA", "DS", "DNSKEY")
AT_SITE = ("MX", "TXT", "CAA", "A", "AAAA")
BIMI = "default._bimi"
BELOW_SITE = ("_dmarc", BIMI, "_mta-sts", "_smtp._tls")
MSDCS = "_msdcs"


def wanted(domain: str, secret: bytes, known: Answers) -> list[Question]:
    """The questions about a site itself, given what is known. `secret` is the run's: the name
    that tells a wildcard from a real `_msdcs` cannot be registered in advance.

    A name that does not exist is asked nothing but its SOA (RFC 8020).
    """
    if not may_exist(domain, known):
        return [Question(domain, "SOA")]
    apex, climbed = enclosing_zone(domain, known)
    questions = [*climbed, *(Question(domain, rdtype) for rdtype in AT_SITE)]
    questions += [Question(name, "TXT") for name in _below(domain, BELOW_SITE)]
    questions += _indicator_above(domain, known)
    questions += _domain_controller(domain, secret, known)
    questions += caa_climb(domain, known)
    if apex:
        questions += [Question(apex, rdtype) for rdtype in AT_APEX]
        questions += _name_servers(apex, known)
    return list(dict.fromkeys(questions))


def may_exist(domain: str, known: Answers) -> bool:
    """Whether the SOA question was asked and did not find that the name does not exist."""
    seen = known.get(Question(domain, "SOA"))
    return seen is not None and seen.status is not Status.NXDOMAIN


def enclosing_zone(domain: str, known: Answers) -> tuple[str, list[Question]]:
    """The apex of the zone that holds `domain`, and the SOA questions that find it; "" while the
    next of them is not answered.

    An alias lies in a zone that its own SOA answer does not name, so the question climbs. Where
    no answer tells, the zone is taken to begin at the site.
    """
    asked: list[Question] = []
    for name in _ancestry(domain):
        asked.append(Question(name, "SOA"))
        seen = known.get(asked[-1])
        if seen is None:
            return "", asked
        if seen.zone and is_subdomain(domain, seen.zone):
            return seen.zone, asked
        if not seen.aliases:
            break
    return domain, asked


def name_servers(apex: str, known: Answers) -> list[str]:
    """The first `MAX_NAME_SERVERS` names of the zone's NS set, in order."""
    seen = known.get(Question(apex, "NS"))
    return [name for name in seen.rdata if name != "."][:MAX_NAME_SERVERS] if seen else []


def sibling(domain: str, secret: bytes) -> str:
    """A label beside `_msdcs` that exists only where a wildcard makes every name exist."""
    return hmac.digest(secret, domain.encode("ascii"), hashlib.sha256).hex()[:16]


def _name_servers(apex: str, known: Answers) -> list[Question]:
    return [
        Question(server, rdtype) for server in name_servers(apex, known) for rdtype in ("A", "AAAA")
    ]


def _indicator_above(domain: str, known: Answers) -> list[Question]:
    """BIMI at the organisational domain, where the site has none and the walk of DMARC tells."""
    own = known.get(Question(f"{BIMI}.{domain}", "TXT"))
    if own is None or own.answered:
        return []
    found = discover(domain, known)
    known_to_its_end = all(step.seen.determined for step in found.steps)
    if found.organisational_domain == domain or not known_to_its_end:
        return []
    return [Question(name, "TXT") for name in _below(found.organisational_domain, (BIMI,))]


def _domain_controller(domain: str, secret: bytes, known: Answers) -> list[Question]:
    """`_msdcs`, and where it answers the sibling that unmasks a wildcard."""
    seen = known.get(Question(f"{MSDCS}.{domain}", "SOA"))
    unmasking = (sibling(domain, secret),) if seen and seen.answered else ()
    return [Question(name, "SOA") for name in _below(domain, (MSDCS, *unmasking))]


def caa_climb(domain: str, known: Answers) -> list[Question]:
    """CAA of the site and of its parents, up to the first that has any (RFC 8659 section 3)."""
    questions: list[Question] = []
    for name in _ancestry(domain):
        questions.append(Question(name, "CAA"))
        seen = known.get(questions[-1])
        if seen is None or seen.answered:
            break
    return questions


def _ancestry(domain: str) -> list[str]:
    """The name and its parents below the root, the nearest `MAX_CLIMB`."""
    names = []
    for _ in labels(domain)[:MAX_CLIMB]:
        names.append(domain)
        domain = parent(domain)
    return names


def _below(domain: str, prefixes: tuple[str, ...]) -> list[str]:
    """The names below the site that fit into a message."""
    return [name for prefix in prefixes if fits(name := f"{prefix}.{domain}")]
