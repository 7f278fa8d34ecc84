"""What a site's MX observations amount to: the exchanges and whether mail can reach them."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.common.questions.mx import MAX_EXCHANGES, addresses_of
from services.common.records.mx import HOSTS, Form, MxRecord, form_of, read_mx
from services.common.reference.bundle import Reference
from services.grader.core.verdict import Section


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Case:
    """One site.

    `hosts` has every exchange once, in the order in which a sender tries them: all but those
    beyond the first `MAX_EXCHANGES` that have addresses to ask for. `candidates` are those that
    stand for a place that takes mail, `usable` those that mail can reach. `site` is the site
    itself where there provably is no MX, so that its own address counts.
    """

    section: Section
    reference: Reference
    mx: Observation
    records: tuple[MxRecord, ...]
    hosts: tuple[Host, ...]
    candidates: tuple[Host, ...]
    usable: tuple[Host, ...]
    site: Host | None

    @property
    def null(self) -> bool:
        """The site says that it takes no mail (RFC 7505)."""
        return len(self.records) == 1 and self.records[0].null


def read(section: Section, reference: Reference) -> Case:
    mx = section.get(section.domain, "MX")
    records = tuple(read_mx(mx.rdata))
    hosts = tuple(_hosts(section, reference, records))
    implicit = mx.status is Status.NODATA
    return Case(
        section=section,
        reference=reference,
        mx=mx,
        records=records,
        hosts=hosts,
        candidates=tuple(host for host in hosts if host.form is not Form.OWNERSHIP),
        usable=tuple(host for host in hosts if host.usable),
        site=_host(section, reference, section.domain, (), Form.HOST) if implicit else None,
    )


def _hosts(section: Section, reference: Reference, records: tuple[MxRecord, ...]) -> Iterator[Host]:
    preferences: dict[str, tuple[int, ...]] = {}
    for record in records:
        known = preferences.get(record.exchange, ())
        preferences[record.exchange] = (*known, record.preference)
    room = MAX_EXCHANGES
    for name, given in preferences.items():
        form = form_of(name)
        room -= form in HOSTS
        if room >= 0 or form not in HOSTS:
            yield _host(section, reference, name, given, form)


def _host(
    section: Section, reference: Reference, name: str, preferences: tuple[int, ...], form: Form
) -> Host:
    asked = addresses_of(name) if form in HOSTS else ()
    lookups = tuple(section.get(*question) for question in asked)
    addresses = [text for seen in lookups if seen.answered for text in seen.rdata]
    public = tuple(filter(reference.is_public, addresses))
    private = tuple(text for text in addresses if text not in public)
    return Host(name, preferences, form, lookups, public, private)
