"""Which addresses the public Internet reaches, by a shipped table.

Source: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890), the multicast
and reserved ranges, and for IPv6 the limits of global unicast (RFC 4291). The table is our own
because Python's changes with its version, and a grade must not.
"""

from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from services.common.reference.table import rows

_Network = IPv4Network | IPv6Network
_EMBEDDED_BITS_BELOW = {"nat64": 0, "6to4": 80}
"""Where the IPv4 address lies inside the IPv6 address (RFC 6052 section 2.2, RFC 3056)."""


class Addresses:
    """Public reach of addresses. `documentation` says whether documentation ranges have it."""

    def __init__(self, documentation: bool) -> None:
        table = [(ip_network(row["range"]), row["reach"]) for row in rows("addresses.csv")]
        spoken = {"documentation": "global" if documentation else "special"}
        self._segments = {
            version: _flattened(
                [(net, spoken.get(reach, reach)) for net, reach in table if net.version == version]
            )
            for version in (4, 6)
        }
        self.is_public: Callable[[str], bool] = lru_cache(maxsize=1 << 16)(self._is_public)

    def _is_public(self, text: str) -> bool:
        """Whether an address is public; of a network, whether anything in it is. False for what
        is neither."""
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            return False
        first = int(network.network_address)
        return self._reaches(network.version, first, first | int(network.hostmask))

    def _reaches(self, version: int, first: int, last: int) -> bool:
        starts, reaches = self._segments[version]
        at = bisect_right(starts, first) - 1
        if at != bisect_right(starts, last) - 1:
            return True  # neighbouring segments differ, so one of them is public
        if reaches[at] in _EMBEDDED_BITS_BELOW:
            below = _EMBEDDED_BITS_BELOW[reaches[at]]
            return self._reaches(4, first >> below & 0xFFFFFFFF, last >> below & 0xFFFFFFFF)
        return reaches[at] == "global"


def _flattened(table: list[tuple[_Network, str]]) -> tuple[list[int], list[str]]:
    """The first address and the reach of each segment; the narrowest range decides, and no two
    neighbours are equal."""
    narrowest_first = sorted(table, key=lambda entry: -entry[0].prefixlen)
    bounds = {int(net.network_address) for net, _ in table}
    bounds |= {int(net.broadcast_address) + 1 for net, _ in table if net.prefixlen}
    bounds.discard(1 << table[0][0].max_prefixlen)
    starts: list[int] = []
    reaches: list[str] = []
    for start in sorted(bounds):
        reach = next(
            reach
            for net, reach in narrowest_first
            if int(net.network_address) <= start <= int(net.broadcast_address)
        )
        if not reaches or reaches[-1] != reach:
            starts.append(start)
            reaches.append(reach)
    return starts, reaches
