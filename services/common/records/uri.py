"""Where DMARC reports go: the comma-separated URIs of `rua` and `ruf`.

Sources: RFC 9989 section 4.8 (`dmarc-urilist`), RFC 3986, RFC 6068 (mailto).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from urllib.parse import unquote

from services.common.dns.names import BadNameError, labels, normalise
from services.common.records.tags import WSP

MAX_URIS = 1000
"""A TXT record of 64 KiB could name tens of thousands; reporters read far fewer."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_SIZE = re.compile(r"!(\d+[kmgt]?)$", re.IGNORECASE | re.ASCII)
_NOT_IN_URI = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]")


class UriFault(StrEnum):
    """Why no report can be sent to what is written."""

    EMPTY = "nothing is written between two commas"
    NO_SCHEME = "it does not start with a scheme such as mailto:"
    CHARACTER = "it has a character that a URI cannot hold unencoded"
    ADDRESS = "it has no address of the form user@host after mailto:"
    HOST = "its host is no domain name"


@dataclass(frozen=True, slots=True)
class ReportUri:
    """One destination. `scheme` is lower case; `address` (mailto only) is percent-decoded; `host`
    is the destination host in our form of names; `size` is the obsolete limit ("10m"), which
    reporters ignore. `fault` is None where the URI is valid."""

    text: str
    scheme: str = ""
    address: str = ""
    host: str = ""
    size: str = ""
    fault: UriFault | None = None

    @property
    def deliverable(self) -> bool:
        """Every reporter can send there: mailto is the only scheme it must know."""
        return self.fault is None and self.scheme == "mailto"


@lru_cache(maxsize=4096)
def parse_uris(value: str) -> tuple[ReportUri, ...]:
    """The URIs of a `rua` or `ruf` value, in order; the first `MAX_URIS` of them."""
    return tuple(_parse_uri(part.strip(WSP)) for part in value.split(",", MAX_URIS)[:MAX_URIS])


def _parse_uri(text: str) -> ReportUri:
    if not text:
        return ReportUri(text, fault=UriFault.EMPTY)
    limit = _SIZE.search(text)
    bare, size = (text[: limit.start()], limit[1]) if limit else (text, "")
    scheme = _SCHEME.match(bare)
    if scheme is None:
        return ReportUri(text, size=size, fault=UriFault.NO_SCHEME)
    name, rest = scheme[1].lower(), bare[scheme.end() :]
    if _NOT_IN_URI.search(rest):
        return ReportUri(text, name, size=size, fault=UriFault.CHARACTER)
    if name == "mailto":
        return _mailto(text, rest, size)
    return _hierarchical(text, name, rest, size)


def _mailto(text: str, rest: str, size: str) -> ReportUri:
    """RFC 6068: the part before `?` is an address, percent-encoded."""
    address = unquote(rest.partition("?")[0], encoding="latin-1")
    user, _, domain = address.rpartition("@")
    if not user or user.startswith("/") or not domain or not address.isprintable():
        return ReportUri(text, "mailto", address, size=size, fault=UriFault.ADDRESS)
    host = _host(domain)
    return ReportUri(text, "mailto", address, host, size, None if host else UriFault.HOST)


def _hierarchical(text: str, scheme: str, rest: str, size: str) -> ReportUri:
    """RFC 3986 section 3.2: `//`, perhaps user information, the host, perhaps a port."""
    if not rest.startswith("//"):
        return ReportUri(text, scheme, size=size, fault=UriFault.HOST)
    authority = re.split(r"[/?#]", rest[2:], maxsplit=1)[0].rpartition("@")[2]
    host = _host(unquote(re.sub(r":\d*$", "", authority, flags=re.ASCII), encoding="latin-1"))
    return ReportUri(text, scheme, "", host, size, None if host else UriFault.HOST)


def _host(text: str) -> str:
    """A name of at least two labels, or "": a report cannot leave its sender for anything else."""
    try:
        name = normalise(text)
    except BadNameError:
        return ""
    return name if len(labels(name)) > 1 and "\\" not in name else ""
