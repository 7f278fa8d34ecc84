"""Zones in memory: everything in them is known, everything outside is not."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from deploy.local.world.model import UNKNOWN, Found, Rcode, Referral, Rrset
from services.common.dns import rdtypes
from services.common.dns.names import from_wire, is_subdomain, parent

ANY_TYPE = 0
FAULTS: Mapping[str, Found] = {
    "timeout": Found(silent=True),
    "servfail": Found(rcode=Rcode.SERVFAIL),
    "unreachable": Found(rcode=Rcode.SERVFAIL, ede=22),
    "refused": Found(rcode=Rcode.REFUSED),
    "formerr": Found(rcode=Rcode.FORMERR),
    "notimp": Found(rcode=Rcode.NOTIMP),
    "unproven": Found(),
    "bogus": Found(bogus=True),
}
"""Ways in which a server or a zone can fail, by the word that the situations use."""


@dataclass(slots=True)
class Zone:
    """One zone. `faults` are kept by owner and type (`ANY_TYPE` for all); an owner that starts
    with "*." stands for everything below."""

    apex: str
    signed: bool = False
    nodes: dict[str, dict[int, Rrset]] = field(default_factory=dict)
    faults: dict[tuple[str, int], Found] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """Every name that exists, the empty ones above a record included."""

    def add(self, owner: str, rdtype: int, ttl: int, rdata: bytes) -> None:
        """One more record; the name and all names above it to the apex exist from now on."""
        rrsets = self.nodes.setdefault(owner, {})
        known = rrsets.get(rdtype)
        rdatas = (*(known.rdatas if known else ()), rdata)
        rrsets[rdtype] = Rrset(owner, rdtype, ttl, rdatas)
        while owner not in self.names:
            self.names.add(owner)
            if owner != self.apex:
                owner = parent(owner)

    def find(self, name: str, rdtype: int) -> Found:
        fault = self._fault(name, rdtype)
        if fault is not None and not fault.bogus:
            return fault
        found = replace(self._content(name, rdtype), signed=self.signed)
        return replace(found, bogus=True) if fault else found

    def soa(self) -> Rrset | None:
        return self.nodes.get(self.apex, {}).get(rdtypes.SOA)

    def _content(self, name: str, rdtype: int) -> Found:
        rrsets = self.nodes.get(name)
        if name not in self.names:
            rrsets = self._wildcard(name)
            if rrsets is None:
                return Found(rcode=Rcode.NXDOMAIN, soa=self.soa())
        rrsets = rrsets or {}
        records = rrsets.get(rdtype) or rrsets.get(rdtypes.CNAME)
        return Found(records=records) if records else Found(soa=self.soa())

    def _wildcard(self, name: str) -> dict[int, Rrset] | None:
        """The records synthesised for a name that does not exist (RFC 4592)."""
        encloser = parent(name)
        while encloser not in self.names and encloser != self.apex:
            encloser = parent(encloser)
        source = self.nodes.get(f"*.{encloser}")
        if source is None:
            return None
        return {rdtype: replace(rrset, owner=name) for rdtype, rrset in source.items()}

    def _fault(self, name: str, rdtype: int) -> Found | None:
        for owner in (name, f"*.{self.apex}"):
            for asked in (rdtype, ANY_TYPE):
                fault = self.faults.get((owner, asked))
                if fault is not None:
                    return fault
        return None


class Zones:
    """A world of zones, and the name servers that hold them."""

    def __init__(self, zones: Mapping[str, Zone]) -> None:
        self._zones = zones
        self.servers = _servers(zones)

    def find(self, name: str, rdtype: int) -> Found:
        at_parent = rdtype == rdtypes.DS and name in self._zones and name != "."
        apex = self.zone_of(parent(name) if at_parent else name)
        return self._zones[apex].find(name, rdtype) if apex else UNKNOWN

    def find_at(self, zones: frozenset[str], name: str, rdtype: int) -> Found:
        apex = self.zone_of(name)
        if apex in zones:
            return self._zones[apex].find(name, rdtype)
        if any(is_subdomain(apex, zone) for zone in zones):
            return Found(referral=self._referral(apex))
        return Found(rcode=Rcode.REFUSED)

    def zone_of(self, name: str) -> str:
        """The apex of the zone that holds a name; "" outside the world."""
        while name not in self._zones:
            if name == ".":
                return ""
            name = parent(name)
        return name

    def _referral(self, apex: str) -> Referral:
        zone = self._zones[apex]
        servers = zone.nodes[apex][rdtypes.NS]
        hosts = [zone.nodes.get(from_wire(rdata), {}) for rdata in servers.rdatas]
        glue = [
            rrsets[rdtype]
            for rrsets in hosts
            for rdtype in (rdtypes.A, rdtypes.AAAA)
            if rdtype in rrsets
        ]
        return Referral(servers, tuple(glue))


def _servers(zones: Mapping[str, Zone]) -> dict[str, frozenset[str]]:
    """The zones by the published address of each name server that its NS records name."""
    addresses: dict[str, list[str]] = {}
    for zone in zones.values():
        for owner, rrsets in zone.nodes.items():
            for rdtype in (rdtypes.A, rdtypes.AAAA):
                if rdtype in rrsets:
                    texts = [_address(rdata) for rdata in rrsets[rdtype].rdatas]
                    addresses.setdefault(owner, []).extend(texts)
    held: dict[str, set[str]] = {}
    for zone in zones.values():
        servers = zone.nodes.get(zone.apex, {}).get(rdtypes.NS)
        for rdata in servers.rdatas if servers else ():
            for address in addresses.get(from_wire(rdata), ()):
                held.setdefault(address, set()).add(zone.apex)
    return {address: frozenset(apexes) for address, apexes in held.items()}


def _address(rdata: bytes) -> str:
    return str(ip_address(rdata))
