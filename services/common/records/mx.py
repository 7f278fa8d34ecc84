"""An MX record: where a domain takes its mail.

Sources: RFC 1035 section 3.3.9, RFC 5321 section 5.1, RFC 7505 (null MX), RFC 1123 section 2.1
(host names), RFC 6761 (special names).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address

from services.common.dns.names import labels

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")
_UNDERSCORED = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\Z")
_LOCAL = frozenset({"localhost", "localdomain"})


class Form(StrEnum):
    """What an exchange can be. Only the first two have addresses of their own."""

    HOST = "host"
    UNDERSCORED = "host with an underscore"
    NULL = "null"
    ADDRESS = "address"
    LOCAL = "local"
    OWNERSHIP = "ownership"
    """A name under `.invalid`, which cannot exist: a provider's way to see who owns a domain."""
    SYNTAX = "not a host name"


HOSTS = frozenset({Form.HOST, Form.UNDERSCORED})


@dataclass(frozen=True, slots=True)
class MxRecord:
    """`preference` is 0 to 65535; `exchange` is a name as it stands in an observation, "." for
    the null MX."""

    preference: int
    exchange: str

    @property
    def null(self) -> bool:
        """It says that the domain takes no mail (RFC 7505 section 3)."""
        return self.exchange == "."


@lru_cache(maxsize=1 << 15)
def parse_mx(text: str) -> MxRecord | None:
    """An MX record's presentation form ("10 mx.example.com"); None for anything else."""
    preference, space, exchange = text.partition(" ")
    if not (space and exchange and preference.isascii() and preference.isdigit()):
        return None
    if " " in exchange or len(preference) > 5 or int(preference) > 0xFFFF:
        return None
    return MxRecord(int(preference), exchange)


def read_mx(rdata: tuple[str, ...]) -> list[MxRecord]:
    """The records of an rrset in the order in which a sender tries them."""
    records = filter(None, map(parse_mx, rdata))
    return sorted(records, key=lambda record: (record.preference, record.exchange))


@lru_cache(maxsize=1 << 15)
def form_of(exchange: str) -> Form:
    """What the name of an exchange stands for."""
    if exchange == ".":
        return Form.NULL
    if _is_address(exchange):
        return Form.ADDRESS
    parts = labels(exchange)
    if parts[-1] == "invalid":
        return Form.OWNERSHIP
    if parts[-1] in _LOCAL:
        return Form.LOCAL
    if parts[-1].isdigit():
        return Form.SYNTAX
    if all(_LABEL.match(part) for part in parts):
        return Form.HOST
    return Form.UNDERSCORED if all(_UNDERSCORED.match(part) for part in parts) else Form.SYNTAX


def _is_address(name: str) -> bool:
    literal = name.removeprefix("[").removesuffix("]").removeprefix("ipv6:")
    try:
        ip_address(literal)
    except ValueError:
        return False
    return True
