"""What must be known of a whole file of records before the first question."""

import gzip
import json
import mmap
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.common.dns.names import BadNameError, normalise, parent
from services.common.dns.rdtypes import code

GENERATED_RANGES = ("192.0.2.", "198.51.100.", "203.0.113.")
_NO_RECORD = "A DMARC record does not exist"
_DMARC = "_dmarc."


class BadRecordsError(ValueError):
    """The file is no file of records; the text says where and why."""


@dataclass(slots=True)
class Index:
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Where the line of each domain lies."""
    hosts: dict[str, int] = field(default_factory=dict)
    """Names that MX or NS records point to, numbered."""
    name_servers: set[str] = field(default_factory=set)
    addresses: dict[str, list[str]] = field(default_factory=dict)
    addressed: set[str] = field(default_factory=set)
    """Names that have an address of either family or an alias in the file."""
    apexes: set[str] = field(default_factory=set)
    """Names with SOA or NS."""
    unpoliced: set[str] = field(default_factory=set)
    """Names above a domain to which no DMARC policy applies, themselves without one."""
    policed: set[str] = field(default_factory=set)
    ranked: list[tuple[int, str]] = field(default_factory=list)
    unranked: list[str] = field(default_factory=list)


def opened(path: Path) -> mmap.mmap:
    """The file's text in memory pages that the system may drop; unpacked where it is gzip.
    Raises OSError, BadRecordsError."""
    with path.open("rb") as packed:
        if packed.read(2) != b"\x1f\x8b":
            return _mapped(packed.fileno(), path)
        packed.seek(0)
        with tempfile.TemporaryFile() as plain:
            try:
                with gzip.open(packed) as unpacked:
                    shutil.copyfileobj(unpacked, plain, 1 << 20)
            except EOFError as error:
                raise BadRecordsError(f"{path}: {error}") from error
            plain.flush()
            return _mapped(plain.fileno(), path)


def index(data: mmap.mmap) -> Index:
    """Reads every line once. Raises BadRecordsError."""
    found = Index()
    start = 0
    for number, line in enumerate(iter(data.readline, b""), 1):
        end = start + len(line)
        if not line.isspace():
            try:
                _add(found, json.loads(line), start, end)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise BadRecordsError(f"line {number}: {type(error).__name__} {error}") from error
        start = end
    found.unpoliced -= found.policed
    return found


def no_policy(facts: Mapping[str, Any]) -> bool:
    """Whether an observation says that there is no DMARC record, and not that it failed."""
    error = facts.get("dmarc_error")
    return facts.get("dmarc") is False and (error is None or str(error).startswith(_NO_RECORD))


def _mapped(number: int, path: Path) -> mmap.mmap:
    try:
        return mmap.mmap(number, 0, access=mmap.ACCESS_READ)
    except ValueError as error:
        raise BadRecordsError(f"{path} is empty") from error


def _add(found: Index, line: Mapping[str, Any], start: int, end: int) -> None:
    domain = normalise(line["domain"])
    found.places[domain] = (start, end)
    if line.get("rank") is None:
        found.unranked.append(domain)
    else:
        found.ranked.append((int(line["rank"]), domain))
    for record in line["records"]:
        _add_record(found, record["name"], record["type"], record["rdata"])
    for facts in line.get("observed", {}).values():
        for mnemonic in (*facts.get("nodata", ()), *facts.get("signed", ())):
            code(mnemonic)
        if facts.get("dmarc") is True:
            found.policed.add(domain)
        elif no_policy(facts):
            _add_above(found, domain)


def _add_record(found: Index, name: str, rdtype: str, rdata: list[str]) -> None:
    if rdtype in ("MX", "NS"):
        hosts = [host for text in rdata if (host := _host(text))]
        for host in hosts:
            found.hosts.setdefault(host, len(found.hosts))
        if rdtype == "NS":
            found.name_servers.update(hosts)
            found.apexes.add(name)
    elif rdtype == "SOA":
        found.apexes.add(name)
    elif rdtype in ("A", "AAAA"):
        found.addresses.setdefault(name, []).extend(rdata)
        found.addressed.add(name)
    elif rdtype == "CNAME":
        found.addressed.add(name)
    elif rdtype == "TXT" and name.startswith(_DMARC):
        found.policed.add(name.removeprefix(_DMARC))


def _add_above(found: Index, domain: str) -> None:
    above = parent(domain)
    while above != ".":
        found.unpoliced.add(above)
        above = parent(above)


def _host(rdata: str) -> str:
    """The name at the end of MX or NS rdata; "" for the root and for what is no name."""
    try:
        name = normalise(rdata.rpartition(" ")[2])
    except BadNameError:
        return ""
    return "" if name == "." else name
