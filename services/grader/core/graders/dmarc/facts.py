"""What a site's DMARC observations amount to: the record in force, its policies, its reports."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.common.questions.dmarc import (
    MAX_DESTINATIONS,
    Discovery,
    authorisation,
    destinations,
    discover,
    is_external,
)
from services.common.questions.mx import addresses_of
from services.common.records.dmarc import DmarcRecord, Policy, Scope
from services.common.reference.bundle import Reference
from services.grader.core.graders.dmarc.destination import Destination
from services.grader.core.verdict import Section


@dataclass(frozen=True, slots=True)
class Case:
    """One site.

    `own` is the lookup at the site's own name, `mail` that of its MX records, which also tells
    whether it exists. `record` is the record in force, None without one; `lookup` the one that it
    came by, `location` the domain that it stands at and `scope` which of its policies is for the
    site (RFC 9989 section 4.10.1). `policy` is what receivers do with mail that pretends to be
    from the site, `policy_below` what they do for names below it at the weakest. `reported` says
    that some aggregate report address works, `silent` that the site takes and sends no mail, says
    so, and asks for rejection: there is nothing to report.
    """

    section: Section
    reference: Reference
    found: Discovery
    own: Observation
    mail: Observation
    record: DmarcRecord | None
    lookup: Observation
    location: str
    scope: Scope
    policy: Policy
    policy_below: Policy
    destinations: Mapping[str, Destination]
    reported: bool
    silent: bool

    @property
    def domain(self) -> str:
        return self.section.domain

    @property
    def inherited(self) -> bool:
        return self.record is not None and self.location != self.domain


def read(section: Section, reference: Reference) -> Case:
    found = discover(section.domain, section.observations)
    own, mail = found.steps[0].seen, section.get(section.domain, "MX")
    # Where the site's own name fails validation, receivers see no record at all.
    step = None if own.status is Status.BOGUS else found.policy
    record = step.record if step else None
    location = step.domain if step else ""
    missing = mail.status is Status.NXDOMAIN
    scope = _scope(location in ("", section.domain), missing)
    there = dict(_destinations(section, found, location, record)) if record else {}
    policy = record.effective(scope) if record and record.applied else Policy.NONE
    return Case(
        section=section,
        reference=reference,
        found=found,
        own=own,
        mail=mail,
        record=record,
        lookup=step.seen if step else own,
        location=location,
        scope=scope,
        policy=policy,
        policy_below=_policy_below(found, missing) if record else Policy.NONE,
        destinations=there,
        reported=_reported(record, there) if record else False,
        silent=policy is Policy.REJECT and _is_null_mail(section, mail),
    )


def _scope(own: bool, missing: bool) -> Scope:
    if own:
        return Scope.DOMAIN
    return Scope.NONEXISTENT if missing else Scope.SUBDOMAINS


def _policy_below(found: Discovery, missing: bool) -> Policy:
    """The weaker of what holds for existing and for non-existent names; below a name that does
    not exist there are only the latter."""
    record = found.inherited.record if found.inherited else None
    if record is None or not record.applied:
        return Policy.NONE
    nonexistent = record.effective(Scope.NONEXISTENT)
    existing = nonexistent if missing else record.effective(Scope.SUBDOMAINS)
    return min(existing, nonexistent, key=lambda policy: policy.rank)


def _reported(record: DmarcRecord, there: Mapping[str, Destination]) -> bool:
    hosts = [uri.host for uri in record.rua if uri.deliverable]
    return any(there[host].works for host in hosts if host in there)


def _is_null_mail(section: Section, mail: Observation) -> bool:
    """Null MX, and `v=spf1 -all` as the only SPF record."""
    if mail.rdata != ("0 .",):
        return False
    words = [text.lower().split() for text in section.get(section.domain, "TXT").rdata]
    return [terms for terms in words if terms[:1] == ["v=spf1"]] == [["v=spf1", "-all"]]


def _destinations(
    section: Section, found: Discovery, location: str, record: DmarcRecord
) -> Iterator[tuple[str, Destination]]:
    """The hosts that reports go to, the first `MAX_DESTINATIONS`."""
    for host in destinations(record)[:MAX_DESTINATIONS]:
        external = is_external(host, found)
        question = authorisation(location, host) if external else None
        mail = section.get(host, "MX")
        yield (
            host,
            Destination(
                host=host,
                external=external,
                permission=None if question is None else section.get(*question),
                mail=mail,
                addresses=_addresses(section, host) if mail.status is Status.NODATA else (),
            ),
        )


def _addresses(section: Section, host: str) -> tuple[Observation, ...]:
    return tuple(section.get(*question) for question in addresses_of(host))


def unobserved(there: Iterable[Destination]) -> list[Observation]:
    return [seen for destination in there for seen in destination.unobserved]
