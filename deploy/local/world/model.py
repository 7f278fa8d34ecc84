"""What a world says about a name: the value between its data and the messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from services.common.dns.wire import UNKNOWN_EDE


class Rcode(IntEnum):
    """Response codes (IANA "DNS RCODEs")."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    BADVERS = 16


@dataclass(frozen=True, slots=True)
class Rrset:
    """All records of one name and type; `rdatas` in wire form, `ttl` in seconds."""

    owner: str
    rdtype: int
    ttl: int
    rdatas: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Referral:
    """A zone cut below what the asked server holds."""

    servers: Rrset
    glue: tuple[Rrset, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What is at one name for one type, aliases not followed.

    `records` are those asked for, or the CNAME that stands in their place; `soa` proves that there
    are none. `silent` says that no answer comes at all; `bogus` that validation fails.
    """

    rcode: Rcode = Rcode.NOERROR
    records: Rrset | None = None
    soa: Rrset | None = None
    referral: Referral | None = None
    ede: int | None = None
    signed: bool = False
    bogus: bool = False
    silent: bool = False


UNKNOWN = Found(rcode=Rcode.SERVFAIL, ede=UNKNOWN_EDE)
"""The world does not say: neither that there is something nor that there is nothing."""


class World(Protocol):
    """Where the answers come from."""

    @property
    def servers(self) -> Mapping[str, frozenset[str]]:
        """The apexes of the zones that each published name server address holds."""
        ...

    def find(self, name: str, rdtype: int) -> Found:
        """What the name server responsible for the name says."""
        ...

    def find_at(self, zones: frozenset[str], name: str, rdtype: int) -> Found:
        """What a name server that holds `zones` says."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """A line of a world's list."""

    domain: str
    rank: int
    situation: str = ""
