"""What a site's DMARC observations amount to: the record in force, its policies, its reports."""

from dataclasses import dataclass
from functools import cached_property

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
from services.common.records.dmarc import DmarcRecord, Policy, Scope, is_dmarc, parse_dmarc
from services.common.reference.bundle import Reference
from services.grader.core.verdict import Section


@dataclass(frozen=True)
class Destination:
    """A host that reports go to. `permission` is its word that it takes them, None where none is
    needed; `unaskable` where it is needed and no message can hold its name."""

    host: str
    external: bool
    unaskable: bool
    permission: Observation | None
    mail: Observation
    addresses: tuple[Observation, ...]

    @property
    def lookups(self) -> tuple[Observation, ...]:
        granted = () if self.permission is None else (self.permission,)
        return (*granted, self.mail, *self.addresses)

    @property
    def permits(self) -> bool:
        """RFC 9990 section 4: any record that starts with the version is a yes."""
        if not self.external:
            return True
        return self.permission is not None and any(map(is_dmarc, self.permission.rdata))

    @property
    def overrides(self) -> tuple[str, ...]:
        """Hosts of the addresses that the permission puts in place of the site's own."""
        texts = () if self.permission is None else sorted(self.permission.rdata)
        records = [parse_dmarc(text) for text in texts if is_dmarc(text)]
        return tuple(uri.host for record in records for uri in record.rua if uri.deliverable)

    @property
    def diverted(self) -> bool:
        """An override to another host forbids any report (RFC 9990 section 4)."""
        return any(host != self.host for host in self.overrides)

    @property
    def refuses_mail(self) -> bool:
        """It is proven to have no place that takes mail, or says so by a null MX."""
        return self.mail.rdata == ("0 .",) or (
            self.mail.status is Status.NODATA and all(seen.absent for seen in self.addresses)
        )

    @property
    def takes_mail(self) -> bool:
        if self.mail.answered:
            return self.mail.rdata != ("0 .",)
        return any(seen.answered for seen in self.addresses)

    @property
    def works(self) -> bool:
        return self.permits and not self.diverted and self.takes_mail

    @property
    def unobserved(self) -> list[Observation]:
        return [seen for seen in self.lookups if not seen.determined]


@dataclass(frozen=True)
class Case:
    """One site."""

    section: Section
    reference: Reference
    found: Discovery

    @property
    def domain(self) -> str:
        return self.section.domain

    @property
    def own(self) -> Observation:
        """The lookup at the site's own name."""
        return self.found.steps[0].seen

    @cached_property
    def mail(self) -> Observation:
        """The site's MX records, which also tell whether it exists."""
        return self.section.get(self.domain, "MX")

    @cached_property
    def record(self) -> DmarcRecord | None:
        """The record in force. Where the site's own name fails validation, receivers see none."""
        if self.found.policy is None or self.own.status is Status.BOGUS:
            return None
        return self.found.policy.record

    @cached_property
    def location(self) -> str:
        """The domain whose record is in force; "" without one."""
        return self.found.policy.domain if self.found.policy and self.record else ""

    @cached_property
    def lookup(self) -> Observation:
        """The lookup that the record in force came by, else the one at the site's own name."""
        return self.found.policy.seen if self.found.policy and self.record else self.own

    @property
    def inherited(self) -> bool:
        return self.location not in ("", self.domain)

    @cached_property
    def scope(self) -> Scope:
        """Which of the record's policies is for the site itself (RFC 9989 section 4.10.1)."""
        if not self.inherited:
            return Scope.DOMAIN
        return Scope.NONEXISTENT if self.missing else Scope.SUBDOMAINS

    @property
    def missing(self) -> bool:
        """The site's name does not exist."""
        return self.mail.status is Status.NXDOMAIN

    @cached_property
    def policy(self) -> Policy:
        """What receivers do with mail that pretends to be from the site."""
        applied = self.record is not None and self.record.applied
        return self.record.effective(self.scope) if self.record and applied else Policy.NONE

    @cached_property
    def policy_below(self) -> Policy:
        """The weaker of what they do for existing and non-existent names below the site. Below a
        name that does not exist there are only the latter."""
        record = self.found.inherited.record if self.found.inherited else None
        if record is None or not record.applied or self.record is None:
            return Policy.NONE
        nonexistent = record.effective(Scope.NONEXISTENT)
        existing = nonexistent if self.missing else record.effective(Scope.SUBDOMAINS)
        return min(existing, nonexistent, key=lambda policy: policy.rank)

    @cached_property
    def destinations(self) -> dict[str, Destination]:
        """The hosts that reports go to, the first `MAX_DESTINATIONS`."""
        hosts = destinations(self.record)[:MAX_DESTINATIONS] if self.record else []
        return {host: self._destination(host) for host in hosts}

    @cached_property
    def reported(self) -> bool:
        """Some aggregate report address works."""
        rua = self.record.rua if self.record else ()
        hosts = [uri.host for uri in rua if uri.deliverable]
        return any(self.destinations[host].works for host in hosts if host in self.destinations)

    @cached_property
    def null_mail(self) -> bool:
        """The site neither takes nor sends mail and says so: null MX and `v=spf1 -all`."""
        texts = self.section.get(self.domain, "TXT").rdata
        policies = [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]
        return self.mail.rdata == ("0 .",) and [text.lower().split() for text in policies] == [
            ["v=spf1", "-all"]
        ]

    @cached_property
    def silent(self) -> bool:
        """A site without mail that asks for rejection: there is nothing to report."""
        return self.policy is Policy.REJECT and self.null_mail

    def _destination(self, host: str) -> Destination:
        external = is_external(host, self.found)
        question = authorisation(self.location, host) if external else None
        mail = self.section.get(host, "MX")
        return Destination(
            host=host,
            external=external,
            unaskable=external and question is None,
            permission=None if question is None else self.section.get(*question),
            mail=mail,
            addresses=self._addresses(host) if mail.status is Status.NODATA else (),
        )

    def _addresses(self, host: str) -> tuple[Observation, ...]:
        return tuple(self.section.get(*question) for question in addresses_of(host))


def read(section: Section, reference: Reference) -> Case:
    return Case(section, reference, discover(section.domain, section.observations))
