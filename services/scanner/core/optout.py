"""Who asked not to be measured, and whether a question would touch them."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from services.common.dns.names import BadNameError, labels, normalise


class BadOptOutError(ValueError):
    """A line that is no opt-out; the message holds its number and text."""


@dataclass(frozen=True, slots=True)
class OptOuts:
    """`domains` cover the subtree below them, `servers` are name servers, by name."""

    domains: frozenset[str] = frozenset()
    servers: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def covers(self, name: str) -> bool:
        """Whether the name is an opted-out domain or below one."""
        return bool(self.domains) and _within(name, self.domains)

    def covers_server(self, name: str) -> bool:
        return name in self.servers

    def covers_address(self, address: str) -> bool:
        """`address` is textual IPv4 or IPv6."""
        place = ip_address(address)
        return any(place in network for network in self.networks)


NONE = OptOuts()


def parse(lines: Iterable[str]) -> OptOuts:
    """One opt-out per line: a domain, `ns:` and the name of a name server, or an address prefix;
    `#` starts a comment. Raises BadOptOutError."""
    domains, servers, networks = set(), set(), []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        try:
            if not text:
                continue
            if text.lower().startswith("ns:"):
                servers.add(_name(text[3:].strip()))
            elif "/" in text or ":" in text or text.replace(".", "").isdigit():
                networks.append(ip_network(text))
            else:
                domains.add(_name(text))
        except ValueError as error:
            raise BadOptOutError(f"line {number}: {text!r}: {error}") from error
    return OptOuts(frozenset(domains), frozenset(servers), tuple(networks))


def _name(text: str) -> str:
    name = normalise(text)
    if name == ".":
        raise BadNameError("the root would opt out everybody")
    return name


def _within(name: str, domains: frozenset[str]) -> bool:
    if name in domains:
        return True
    parts = labels(name)
    return any(".".join(parts[at:]) in domains for at in range(1, len(parts)))
