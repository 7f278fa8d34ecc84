"""What a site's MX observations amount to: the exchanges and whether mail can reach them."""

from dataclasses import dataclass
from functools import cached_property

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.common.questions.mx import MAX_EXCHANGES, addresses_of
from services.common.records.mx import HOSTS, Form, MxRecord, form_of, read_mx
from services.common.reference.bundle import Reference
from services.grader.core.verdict import Section


@dataclass(frozen=True)
class Host:
    """A name that mail may be sent to. `lookups` are the observations of its A and AAAA, none
    where its form rules them out; `public` and `private` are the addresses in them."""

    name: str
    preferences: tuple[int, ...]
    form: Form
    lookups: tuple[Observation, ...]
    public: tuple[str, ...]
    private: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """Mail can be sent to it."""
        return bool(self.public)

    @property
    def open(self) -> bool:
        """Not seen to be usable, and what was not observed could make it so."""
        return not self.usable and any(not seen.determined for seen in self.lookups)

    @property
    def aliases(self) -> tuple[str, ...]:
        """Where a CNAME at its name leads, in order."""
        return next((seen.aliases for seen in self.lookups if seen.aliases), ())

    @property
    def missing(self) -> bool:
        """Its name does not exist."""
        return any(seen.status is Status.NXDOMAIN for seen in self.lookups)

    @property
    def bogus(self) -> bool:
        return any(seen.status is Status.BOGUS for seen in self.lookups)

    @property
    def addressless(self) -> bool:
        """Its name exists and is proven to have no address."""
        return not self.missing and bool(self.lookups) and all(s.absent for s in self.lookups)


@dataclass(frozen=True)
class Case:
    """One site."""

    section: Section
    reference: Reference
    mx: Observation
    records: tuple[MxRecord, ...]

    @cached_property
    def hosts(self) -> tuple[Host, ...]:
        """Every exchange once, in the order in which a sender tries them; the first
        `MAX_EXCHANGES` that have addresses to ask for."""
        preferences: dict[str, tuple[int, ...]] = {}
        for record in self.records:
            known = preferences.get(record.exchange, ())
            preferences[record.exchange] = (*known, record.preference)
        hosts = [self._host(name, given) for name, given in preferences.items()]
        beyond = [host for host in hosts if host.lookups][MAX_EXCHANGES:]
        return tuple(host for host in hosts if host not in beyond)

    @cached_property
    def site(self) -> Host:
        """The site itself, where mail goes if it has no MX (RFC 5321 section 5.1)."""
        return self._host(self.section.domain, ())

    @cached_property
    def candidates(self) -> tuple[Host, ...]:
        """The exchanges that stand for a place that takes mail."""
        return tuple(host for host in self.hosts if host.form is not Form.OWNERSHIP)

    @cached_property
    def usable(self) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if host.usable)

    @property
    def null(self) -> bool:
        """The site says that it takes no mail (RFC 7505)."""
        return len(self.records) == 1 and self.records[0].null

    @property
    def implicit(self) -> bool:
        """There is provably no MX, so that the site's own address counts."""
        return self.mx.status is Status.NODATA

    def _host(self, name: str, preferences: tuple[int, ...]) -> Host:
        form = form_of(name) if preferences else Form.HOST
        lookups: tuple[Observation, ...] = ()
        if form in HOSTS:
            lookups = tuple(self.section.get(*question) for question in addresses_of(name))
        addresses = [text for seen in lookups if seen.answered for text in seen.rdata]
        public = tuple(text for text in addresses if self.reference.is_public(text))
        private = tuple(text for text in addresses if text not in public)
        return Host(name, preferences, form, lookups, public, private)


def read(section: Section, reference: Reference) -> Case:
    mx = section.get(section.domain, "MX")
    return Case(section, reference, mx, tuple(read_mx(mx.rdata)))
