"""Facts about the zone that holds a site: its servers, its signatures, who may issue for it."""

from collections.abc import Mapping
from typing import TypedDict

from services.common.dns.lookup import Observation
from services.common.dns.names import is_subdomain
from services.common.dns.status import ABSENT
from services.common.questions.basics import MSDCS, caa_climb, enclosing_zone, name_servers
from services.common.questions.mx import addresses_of
from services.common.reference.bundle import Reference
from services.processor.core.evidence import Evidence, readable
from services.processor.core.site_run import Records

NO_ALGORITHM = -1


class NsFacts(TypedDict):
    ns_ip_addresses: Mapping[str, Records] | None
    dns_provider: str | None


class DnssecFacts(TypedDict):
    dnssec_ds_algorithm: int | None
    dnssec_digest_type: int | None
    dnssec_dnskey_algorithm: int | None


class CaaFacts(TypedDict):
    has_caa: bool | None
    has_caa_reporting: bool | None
    caa_issue_count: int | None
    caa_wildcard_count: int | None


class MsdcFacts(TypedDict):
    has_msdc: bool | None


def apex(evidence: Evidence) -> str | None:
    """The zone that holds the site; None where no SOA told."""
    zone, asked = enclosing_zone(evidence.domain, evidence.known)
    told = any(seen.zone == zone for seen in evidence.section(asked))
    return zone if zone and told else None


def ns_facts(evidence: Evidence, zone: str, reference: Reference) -> NsFacts:
    if not readable(evidence.get(zone, "NS")):
        return {"ns_ip_addresses": None, "dns_provider": None}
    servers = name_servers(zone, evidence.known)
    return {
        "ns_ip_addresses": {server: _addresses(evidence, server) for server in servers},
        "dns_provider": reference.providers.dns(evidence.domain, servers),
    }


def _addresses(evidence: Evidence, host: str) -> Records:
    """IPv4 before IPv6; None where nothing was seen and not everything was observed."""
    seen = evidence.section(addresses_of(host))
    found = [address for one in seen for address in one.rdata]
    return found if found or all(map(readable, seen)) else None


def dnssec_facts(evidence: Evidence, zone: str) -> DnssecFacts:
    """The highest number of each kind, so that the order of an answer does not count."""
    ds, dnskey = evidence.get(zone, "DS"), evidence.get(zone, "DNSKEY")
    return {
        "dnssec_ds_algorithm": _highest(ds, 1),
        "dnssec_digest_type": _highest(ds, 2),
        "dnssec_dnskey_algorithm": _highest(dnskey, 2),
    }


def _highest(seen: Observation, field: int) -> int | None:
    if not readable(seen):
        return None
    return max((int(text.split(" ")[field]) for text in seen.rdata), default=NO_ALGORITHM)


def caa_facts(evidence: Evidence) -> CaaFacts:
    """Of the record set that applies: the site's own, else the nearest above it (RFC 8659
    section 3). Tags compare without case."""
    climbed = evidence.section(caa_climb(evidence.domain, evidence.known))
    if not all(map(readable, climbed)):
        return {
            "has_caa": None,
            "has_caa_reporting": None,
            "caa_issue_count": None,
            "caa_wildcard_count": None,
        }
    tags = [text.split(" ", 2)[1].lower() for seen in climbed for text in seen.rdata]
    return {
        "has_caa": bool(tags),
        "has_caa_reporting": "iodef" in tags,
        "caa_issue_count": tags.count("issue"),
        "caa_wildcard_count": tags.count("issuewild"),
    }


def msdc_facts(evidence: Evidence) -> MsdcFacts:
    """Whether a Microsoft domain controller shows: `_msdcs` has a SOA, and a label that nobody
    can know has none. None where a wildcard answers both."""
    seen = evidence.get(f"{MSDCS}.{evidence.domain}", "SOA")
    if not readable(seen):
        return {"has_msdc": None}
    if not seen.answered:
        return {"has_msdc": False}
    beside = [
        other
        for question, other in evidence.known.items()
        if question.rdtype == "SOA"
        and question.name not in (seen.name, evidence.domain)
        and is_subdomain(question.name, evidence.domain)
    ]
    unmasked = bool(beside) and all(other.status in ABSENT for other in beside)
    return {"has_msdc": True if unmasked else None}
