"""Addresses and networks as SPF writes them (RFC 7208 sections 5.6 and 12)."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

_IP6 = re.compile(r"[0-9a-f:.]+\Z", re.IGNORECASE | re.ASCII)
_PREFIX = re.compile(r"(?:0|[1-9][0-9]{0,2})\Z", re.ASCII)
BITS = {4: 32, 6: 128}


class Network(NamedTuple):
    """`value` is the address as written, host bits included."""

    version: int
    value: int
    prefix: int

    @property
    def first(self) -> int:
        return self.value >> self._host_bits << self._host_bits

    @property
    def last(self) -> int:
        return self.first + (1 << self._host_bits) - 1

    @property
    def canonical(self) -> bool:
        """No bit is set behind the prefix."""
        return self.value == self.first

    @property
    def address(self) -> str:
        return _address(self.version, self.value)

    @property
    def masked(self) -> str:
        """The network without host bits, as text."""
        return f"{_address(self.version, self.first)}/{self.prefix}"

    @property
    def _host_bits(self) -> int:
        return BITS[self.version] - self.prefix

    def __str__(self) -> str:
        whole = self.prefix == BITS[self.version]
        return self.address if whole else f"{self.address}/{self.prefix}"


@lru_cache(maxsize=1 << 16)
def _address(version: int, value: int) -> str:
    return str(IPv4Address(value) if version == 4 else IPv6Address(value))


def read_ip4(text: str) -> int | None:
    """A dotted quad without leading zeros, or None."""
    value = 0
    parts = text.split(".")
    for part in parts:
        if not _PREFIX.match(part) or int(part) > 255:
            return None
        value = value << 8 | int(part)
    return value if len(parts) == 4 else None


def read_ip6(text: str) -> int | None:
    """An IPv6 address of RFC 4291 section 2.2, or None."""
    if not _IP6.match(text):
        return None
    try:
        return int(IPv6Address(text))
    except ValueError:
        return None


def read_prefix(text: str, version: int) -> int | None:
    """A prefix length without leading zeros, or None where it is not one of this version."""
    if not _PREFIX.match(text) or int(text) > BITS[version]:
        return None
    return int(text)
