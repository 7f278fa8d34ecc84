"""The bundled world: zones and list, made from the situations beside this module.

A situation says in a few lines what is special about its sites; everything that it does not
mention comes from the snippets named in its `mail`, `spf`, `dmarc`, `web` and `dns`, or from the
defaults of `snippets.toml`. The same source always makes the same world.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from deploy.local.world.model import Site
from deploy.local.world.rdata import to_wire
from deploy.local.world.zones import ANY_TYPE, FAULTS, Zone, Zones
from services.common.dns import rdtypes
from services.common.dns.names import is_subdomain, normalise

SUFFIX = "test"
TTL = 3600
ASPECTS = ("web", "mail", "spf", "dmarc", "dns")
"""What every site has some form of; each names a table of snippets."""

SITE_RANGES = ("198.51.100.", "203.0.113.")
SITE_PREFIX = "2001:db8:"
_PLACEHOLDER = re.compile(r"\{(site|domain|zone|label|v4|v6)(?:\.(\d))?\}")


class BadSituationError(ValueError):
    """A situation cannot be understood; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One documented situation. `share` is the number of its sites in the list; 0 is a zone that
    the others lean on. Records are lines "owner [TTL] TYPE rdata"; faults "owner TYPE|* word"."""

    name: str
    family: str
    meaning: str
    share: int
    domain: str
    zone: str
    signed: bool
    records: str
    faults: str
    aspects: Mapping[str, str]
    remarks: tuple[str, ...]
    """Tags that the graders must find."""

    def sites(self, scale: int = 1) -> Iterator[tuple[str, str]]:
        """Its domains, each with the apex of its zone; the first bears no number."""
        for number in range(1, max(self.share * scale, 1) + 1):
            label = self.name if number == 1 else f"{self.name}-{number}"
            domain = self.domain.replace("{}", label)
            yield domain, self.zone.replace("{}", label) or domain


def situations() -> list[Situation]:
    """All of them, by file and in the order written. Raises BadSituationError."""
    folder = files(__package__) / "situations"
    found: list[Situation] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml") and entry.name != "snippets.toml":
            family = entry.name.removesuffix(".toml")
            content = tomllib.loads(entry.read_text("utf-8"))
            found += [_situation(family, table) for table in content["situation"]]
    return found


def build(scale: int = 1) -> tuple[Zones, list[Site]]:
    """The zones, and the list in the order of rank; `scale` times the shares."""
    snippets = _snippets()
    zones = {SUFFIX: Zone(SUFFIX)}
    _add_lines(zones[SUFFIX], SUFFIX, snippets["top"]["test"])
    sites: list[Site] = []
    serial = 0
    for situation in situations():
        for domain, apex in situation.sites(scale):
            serial += 1
            zone = zones.setdefault(apex, Zone(apex, signed=situation.signed))
            _add_site(zone, situation, domain, serial, snippets)
            if situation.share:
                sites.append(Site(domain, 0, situation.name))
    return Zones(zones), _ranked(sites)


def _situation(family: str, table: dict[str, Any]) -> Situation:
    name = table.get("name", "?")
    allowed = {"name", "meaning", "share", "domain", "zone", "signed", "records", "faults"}
    unknown = table.keys() - allowed - {"remarks", *ASPECTS}
    if unknown or not table.get("meaning"):
        raise BadSituationError(f"{family}/{name}: no meaning, or unknown {sorted(unknown)}")
    return Situation(
        name=name,
        family=family,
        meaning=table["meaning"],
        share=table.get("share", 1),
        domain=table.get("domain", "{}." + SUFFIX),
        zone=table.get("zone", ""),
        signed=table.get("signed", False),
        records=table.get("records", ""),
        faults=table.get("faults", ""),
        aspects={aspect: table[aspect] for aspect in ASPECTS if aspect in table},
        remarks=tuple(table.get("remarks", ())),
    )


def _snippets() -> dict[str, dict[str, str]]:
    source = files(__package__) / "situations" / "snippets.toml"
    return tomllib.loads(source.read_text("utf-8"))


def _add_site(
    zone: Zone,
    situation: Situation,
    domain: str,
    serial: int,
    snippets: Mapping[str, Mapping[str, str]],
) -> None:
    values = {"domain": domain, "site": f"{domain}.", "zone": f"{zone.apex}."}
    values["label"] = domain.partition(".")[0]
    try:
        for aspect in ASPECTS:
            chosen = situation.aspects.get(aspect, snippets["defaults"][aspect])
            _add_lines(zone, domain, _filled(snippets[aspect][chosen], values, serial))
        _add_lines(zone, domain, _filled(situation.records, values, serial))
        for line in _lines(situation.faults):
            owner, rdtype, word = line.split()
            asked = ANY_TYPE if rdtype == "*" else rdtypes.code(rdtype)
            zone.faults[_absolute(owner, domain), asked] = FAULTS[word]
    except (KeyError, ValueError) as error:
        raise BadSituationError(f"{situation.family}/{situation.name}: {error}") from error


def _add_lines(zone: Zone, origin: str, text: str) -> None:
    for line in _lines(text):
        owner, rest = line.split(maxsplit=1)
        first, _, remainder = rest.partition(" ")
        ttl, rest = (int(first), remainder.strip()) if first.isdecimal() else (TTL, rest)
        mnemonic, _, rdata = rest.partition(" ")
        rdtype = rdtypes.code(mnemonic)
        name = _absolute(owner, origin)
        if not is_subdomain(name, zone.apex):
            raise ValueError(f"{name} is not in the zone {zone.apex}")
        zone.add(name, rdtype, ttl, to_wire(rdtype, rdata.strip(), origin))


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


def _absolute(owner: str, origin: str) -> str:
    if owner == "@":
        return origin
    if owner.endswith("."):
        return normalise(owner)
    return normalise(owner if origin == "." else f"{owner}.{origin}")


def _filled(text: str, values: Mapping[str, str], serial: int) -> str:
    """`{v4}` to `{v4.9}` and `{v6}` to `{v6.9}` are addresses of the site's own."""

    def value(match: re.Match[str]) -> str:
        kind, index = match[1], int(match[2] or 0)
        if kind == "v4":
            host = (serial * 7 + index * 61) % 253 + 1
            return f"{SITE_RANGES[(serial + index) % 2]}{host}"
        if kind == "v6":
            return f"{SITE_PREFIX}{serial:x}::{index + 1:x}"
        return values[kind]

    return _PLACEHOLDER.sub(value, text)


def _ranked(sites: list[Site]) -> list[Site]:
    """Situations mixed as in a real list, the same at every build."""
    mixed = sorted(sites, key=lambda site: hashlib.sha256(site.domain.encode()).digest())
    return [Site(site.domain, rank, site.situation) for rank, site in enumerate(mixed, 1)]
