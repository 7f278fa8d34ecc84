"""Facts about a site's mail, corrected where its predecessor counted text instead of records."""

from typing import TypedDict

from services.common.dns.lookup import Observation
from services.common.questions.basics import BIMI
from services.common.questions.dmarc import Discovery
from services.common.questions.spf import Node, nodes
from services.common.records.dmarc import DmarcRecord
from services.common.records.mx import read_mx
from services.common.records.tags import parse_tags
from services.common.reference.bundle import Reference
from services.processor.core.evidence import Evidence, readable

NO_POLICY = "no_policy"
INVALID = "invalid"


class MxFacts(TypedDict):
    has_mx: bool | None
    email_provider: str | None


class SpfFacts(TypedDict):
    has_spf: bool | None
    spf_policy: str | None


class DmarcFacts(TypedDict):
    has_dmarc: bool | None
    dmarc_policy: str | None
    dmarc_sub_policy: str | None
    has_dmarc_aggregate_reporting: bool | None
    has_dmarc_forensic_reporting: bool | None


class BimiFacts(TypedDict):
    has_bimi: bool | None


def mx_facts(evidence: Evidence, reference: Reference) -> MxFacts:
    seen = evidence.get(evidence.domain, "MX")
    if not readable(seen):
        return {"has_mx": None, "email_provider": None}
    exchanges = [record.exchange for record in read_mx(seen.rdata) if not record.null]
    return {
        "has_mx": bool(exchanges),
        "email_provider": reference.providers.mail(evidence.domain, exchanges),
    }


def spf_facts(evidence: Evidence) -> SpfFacts:
    """A record counts as there even if receivers give up on it; the policy is what its final
    `all` says, after redirects (RFC 7208 sections 5.1 and 6.1)."""
    seen = evidence.get(evidence.domain, "TXT")
    if not readable(seen):
        return {"has_spf": None, "spf_policy": None}
    tree = nodes(evidence.domain, evidence.known)
    if not tree[evidence.domain].texts:
        return {"has_spf": False, "spf_policy": NO_POLICY}
    return {"has_spf": True, "spf_policy": _spf_policy(evidence.domain, tree)}


def _spf_policy(name: str, tree: dict[str, Node]) -> str | None:
    """None where the record that decides was not observed, or depends on the message."""
    passed: set[str] = set()
    while name in tree and name not in passed:
        passed.add(name)
        node = tree[name]
        if node.seen is None or not readable(node.seen):
            return None
        if node.record is None:
            return NO_POLICY
        if node.record.all is not None:
            return f"{node.record.all.qualifier}all"
        redirect = next((step for step in node.steps if step.term.name == "redirect"), None)
        if redirect is None or redirect.malformed:
            return NO_POLICY
        name = redirect.target
    return NO_POLICY if name in passed else None


def dmarc_facts(evidence: Evidence, found: Discovery) -> DmarcFacts:
    """Of the record that applies to the site, its own or the one that it inherits (RFC 9989
    section 4.10). Several records at the site, and none that it inherits, are "invalid"."""
    own = found.steps[0]
    walked = (evidence.get(f"_dmarc.{step.domain}", "TXT") for step in found.steps)
    if own.record is None and not all(map(readable, walked)):
        return _no_dmarc(None, None)
    if found.policy is None or found.policy.record is None:
        return _no_dmarc(bool(own.records), INVALID if own.records else NO_POLICY)
    record = found.policy.record
    inherited = ("sp", "p") if evidence.exists else ("np", "sp", "p")
    stated = [_stated(record, tag) for tag in (("p",) if found.policy is own else inherited)]
    return {
        "has_dmarc": True,
        "dmarc_policy": next((policy for policy in stated if policy != NO_POLICY), NO_POLICY),
        "dmarc_sub_policy": _stated(record, "sp"),
        "has_dmarc_aggregate_reporting": any(uri.fault is None for uri in record.rua),
        "has_dmarc_forensic_reporting": any(uri.fault is None for uri in record.ruf),
    }


def _no_dmarc(exists: bool | None, policy: str | None) -> DmarcFacts:
    reporting = None if exists is None else False
    return {
        "has_dmarc": exists,
        "dmarc_policy": policy,
        "dmarc_sub_policy": policy,
        "has_dmarc_aggregate_reporting": reporting,
        "has_dmarc_forensic_reporting": reporting,
    }


def _stated(record: DmarcRecord, tag: str) -> str:
    """The value of `p`, `sp` or `np`, one of the rows of `dmarc_policies`."""
    if not record.value(tag):
        return NO_POLICY
    policy = {"p": record.p, "sp": record.sp, "np": record.np}[tag]
    return INVALID if policy is None else policy.value


def bimi_facts(evidence: Evidence, found: Discovery) -> BimiFacts:
    """Whether a logo is published, at the site or else at its organisational domain."""
    for domain in dict.fromkeys((evidence.domain, found.organisational_domain)):
        seen = evidence.get(f"{BIMI}.{domain}", "TXT")
        if not readable(seen):
            return {"has_bimi": None}
        records = _bimi_records(seen)
        if records:
            return {"has_bimi": len(records) == 1 and bool(records[0].get("l"))}
    return {"has_bimi": False}


def _bimi_records(seen: Observation) -> list[dict[str, str]]:
    lists = (parse_tags(text).tags for text in seen.rdata)
    return [dict(tags) for tags in lists if tags and tags[0] == ("v", "BIMI1")]
