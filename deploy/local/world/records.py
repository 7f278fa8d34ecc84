"""A world of really published records, from a file of JSON lines.

What the file does not say is not known: the answer is SERVFAIL with `UNKNOWN_EDE`. How each fact
and each mark of the file is read stands in docs/worlds.md.
"""

import hashlib
import json
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from deploy.local.world.model import UNKNOWN, Found, Rcode, Rrset, Site
from deploy.local.world.rdata import BadRdataError, to_wire
from deploy.local.world.records_index import (
    GENERATED_RANGES,
    Index,
    index,
    no_policy,
    opened,
)
from services.common.dns import rdtypes
from services.common.dns.names import BadNameError, normalise, parent

TTL = 3600
PARSED = 20_000
"""Domains whose parsed records are kept in memory."""

SILENCED = frozenset({"rebuilt-from-parsed-tags", "mx-from-starttls-policy"})
"""Marks of records that are not what was published: they are not served."""
PREFERENCE_UNKNOWN = "mx-preference-unknown"
"""The mark of MX records whose preference was made up: they are served with one each, so that no
remark rests on equal ones."""

_GENERATED_SOA = ("unknown.invalid. unknown.invalid. 1 3600 900 604800 900",)


@dataclass(slots=True)
class _Entry:
    """What the file says about one domain and the names in it."""

    nodes: dict[str, dict[int, tuple[str, ...]]] = field(default_factory=dict)
    """Presentation rdata by owner and type; most of it is never asked for."""
    absent: set[tuple[str, int]] = field(default_factory=set)
    missing: bool = False
    signed: frozenset[int] = frozenset()
    """Types that came with valid signatures, where the parent vouches for the zone's key."""


class RecordsWorld:
    """Answers from the file; lines are parsed when first asked for."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, BadRecordsError."""
        self._data: mmap.mmap = opened(path)
        self._index: Index = index(self._data)
        self._entry = lru_cache(maxsize=PARSED)(self._read)

    @property
    def servers(self) -> Mapping[str, frozenset[str]]:
        """Every address of a name server that has one or was given one."""
        found: dict[str, frozenset[str]] = {}
        for host in self._index.name_servers:
            addresses = self._index.addresses.get(host) or [_generated(self._index.hosts[host])]
            found |= dict.fromkeys(addresses, frozenset[str]())
        return found

    def sites(self) -> list[Site]:
        """The ranked domains, then the others in an order that says nothing."""
        ranked = [domain for _, domain in sorted(self._index.ranked)]
        others = sorted(
            self._index.unranked, key=lambda name: hashlib.sha256(name.encode()).digest()
        )
        return [Site(domain, rank) for rank, domain in enumerate(ranked + others, 1)]

    def find_at(self, zones: frozenset[str], name: str, rdtype: int) -> Found:
        """Every server holds everything: the file does not say who holds what."""
        return self.find(name, rdtype)

    def find(self, name: str, rdtype: int) -> Found:
        entries = [self._entry(above) for above in _upwards(name) if above in self._index.places]
        for entry in entries:
            node = entry.nodes.get(name, {})
            published = rdtype if rdtype in node else rdtypes.CNAME
            if published in node:
                records = _encoded(name, published, node[published])
                return Found(records=records, signed=rdtype in entry.signed) if records else UNKNOWN
        if any(entry.missing for entry in entries):
            return Found(rcode=Rcode.NXDOMAIN, soa=self._soa(name))
        if any((name, rdtype) in entry.absent for entry in entries):
            return Found(soa=self._soa(name))
        return self._presumed(name, rdtype)

    def _presumed(self, name: str, rdtype: int) -> Found:
        """What follows from other lines of the file, or had to be generated."""
        known = self._index
        if rdtype == rdtypes.TXT and name.startswith("_dmarc.") and parent(name) in known.unpoliced:
            return Found(soa=self._soa(name))
        if rdtype == rdtypes.A and name in known.hosts and name not in known.addressed:
            return Found(records=_encoded(name, rdtype, (_generated(known.hosts[name]),)))
        return UNKNOWN

    def _soa(self, name: str) -> Rrset | None:
        """The SOA that proves a negative answer: the zone's, else a generated one."""
        apex = self._zone_of(name)
        known: tuple[str, ...] = ()
        if apex in self._index.places:
            known = self._entry(apex).nodes.get(apex, {}).get(rdtypes.SOA, ())
        return _encoded(apex, rdtypes.SOA, known) or _encoded(apex, rdtypes.SOA, _GENERATED_SOA)

    def _zone_of(self, name: str) -> str:
        """The nearest name above that has SOA or NS in the file, else the widest that is a domain
        of the file, else the top-level domain."""
        widest = ""
        for above in _upwards(name):
            if above in self._index.apexes:
                return above
            if above in self._index.places:
                widest = above
        return widest or name.rpartition(".")[2]

    def _read(self, domain: str) -> _Entry:
        start, end = self._index.places[domain]
        line = json.loads(self._data[start:end])
        entry = _Entry()
        for record in line["records"]:
            _add(entry, record)
        for facts in line.get("observed", {}).values():
            _add_facts(entry, domain, facts)
        if rdtypes.DS not in entry.nodes.get(domain, {}):
            entry.signed = frozenset()
        return entry


@lru_cache(maxsize=PARSED)
def _encoded(owner: str, rdtype: int, texts: tuple[str, ...]) -> Rrset | None:
    """None for no records, and for such as no server could publish."""
    try:
        rdatas = tuple(to_wire(rdtype, text) for text in texts)
    except BadRdataError:
        return None
    return Rrset(owner, rdtype, TTL, rdatas) if rdatas else None


def _add(entry: _Entry, record: Mapping[str, Any]) -> None:
    """Records that are not what was published, or have no name or type, stay unknown."""
    marks = set(record.get("approx", "").split(";"))
    if marks & SILENCED:
        return
    texts = tuple(record["rdata"])
    if PREFERENCE_UNKNOWN in marks:
        texts = tuple(f"{10 * place} {text.split()[-1]}" for place, text in enumerate(texts, 1))
    try:
        name, rdtype = normalise(record["name"]), rdtypes.code(record["type"])
    except (BadNameError, rdtypes.BadTypeError):
        return
    entry.nodes.setdefault(name, {})[rdtype] = texts


def _add_facts(entry: _Entry, domain: str, facts: Mapping[str, Any]) -> None:
    """What an observation proves about absence and signatures; everything else in it is only a
    summary of records that the file may not have."""
    entry.absent |= {(domain, rdtypes.code(mnemonic)) for mnemonic in facts.get("nodata", ())}
    if facts.get("caa") == "none":
        entry.absent.add((domain, rdtypes.CAA))
    if no_policy(facts):
        entry.absent.add((f"_dmarc.{domain}", rdtypes.TXT))
    if facts.get("nx") is True and not entry.nodes:
        entry.missing = True
    entry.signed |= {rdtypes.code(mnemonic) for mnemonic in facts.get("signed", ())}


def _upwards(name: str) -> Iterator[str]:
    """The name and its parents, without the root."""
    while name != ".":
        yield name
        name = parent(name)


def _generated(number: int) -> str:
    """A documentation address; neighbours in number lie in different networks."""
    return f"{GENERATED_RANGES[number % 3]}{number // 3 % 254 + 1}"
