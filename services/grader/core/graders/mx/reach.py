"""How well the exchanges are spread: addresses in common, one host only, IPv4 and IPv6."""

from collections.abc import Iterator

from services.common.dns.lookup import Observation
from services.grader.core.graders.mx.facts import Case, Host
from services.grader.core.remark import Level, Remark, RemarkKind

SHARED_ADDRESS = RemarkKind(
    tag="MX_SHARED_ADDRESS",
    number=140,
    level=Level.INFO,
    text="{exchanges} have the same address {address}",
    reference="RFC 5321 section 5.1",
    means="They may be one machine under several names, which then fail together.",
    mend="Nothing, if a provider spreads the load behind that address. Else give each exchange its "
    "own, or keep one of the names.",
)
SINGLE_HOST = RemarkKind(
    tag="MX_SINGLE_HOST",
    number=141,
    level=Level.INFO,
    text="All mail goes to the one address {address}",
    reference="RFC 5321 section 5.1",
    means="While it is down, mail waits at its senders, usually for some days at most.",
    mend="Add a second exchange elsewhere if a delay would hurt.",
)
SINGLE_NETWORK = RemarkKind(
    tag="MX_SINGLE_NETWORK",
    number=142,
    level=Level.INFO,
    text="All IPv4 addresses of the exchanges lie in the one network {network}",
    reference="RFC 5321 section 5.1",
    means="A fault of that network stops all mail at once.",
    mend="Place one exchange in another network if a delay would hurt.",
)
NO_IPV6 = RemarkKind(
    tag="MX_NO_IPV6",
    number=143,
    level=Level.INFO,
    text="No exchange has an IPv6 address",
    reference="RFC 5321 section 5.2",
    means="Senders that have IPv6 only need somebody else to relay their mail to you.",
    mend="Give at least one exchange an AAAA record, if its network has IPv6.",
)
NO_IPV4 = RemarkKind(
    tag="MX_NO_IPV4",
    number=144,
    level=Level.WARNING,
    text="No exchange has an IPv4 address",
    reference="RFC 5321 section 5.2",
    means="The many senders that have IPv4 only cannot deliver to you.",
    mend="Give at least one exchange an A record.",
)


def shared_address(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: several exchanges are there to stand in for each other."""
    holders: dict[str, list[str]] = {}
    for host in case.usable:
        for address in host.public:
            holders.setdefault(address, []).append(host.name)
    told: set[tuple[str, ...]] = set()
    for address in sorted(holders):
        names = tuple(holders[address])
        if len(names) > 1 and names not in told:
            told.add(names)
            yield SHARED_ADDRESS(case.mx, exchanges=", ".join(names), address=address)


def single_host(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: a second exchange takes mail while the first cannot."""
    if not _settled(case.hosts) or len(case.usable) != 1:
        return
    (host,) = case.usable
    if len(_of_version(host, 4)) <= 1 and len(_of_version(host, 6)) <= 1:
        yield SINGLE_HOST(case.mx, *host.lookups, address=host.public[0])


def single_network(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: exchanges in one network fail together."""
    addresses = {text for host in case.usable for text in _of_version(host, 4)}
    networks = {text.rpartition(".")[0] for text in addresses}
    if _settled(case.hosts) and len(addresses) > 1 and len(networks) == 1:
        yield SINGLE_NETWORK(case.mx, network=f"{networks.pop()}.0/24")


def versions(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.2: servers should be reachable by IPv4 and IPv6."""
    if not case.usable or not _settled(case.hosts):
        return
    if not any(_of_version(host, 6) for host in case.usable):
        yield NO_IPV6(case.mx, *_lookups(case, "AAAA"))
    if not any(_of_version(host, 4) for host in case.usable):
        yield NO_IPV4(case.mx, *_lookups(case, "A"))


def _settled(hosts: tuple[Host, ...]) -> bool:
    return all(seen.determined for host in hosts for seen in host.lookups)


def _of_version(host: Host, version: int) -> list[str]:
    return [text for text in host.public if (":" in text) == (version == 6)]


def _lookups(case: Case, rdtype: str) -> list[Observation]:
    return [seen for host in case.usable for seen in host.lookups if seen.rdtype == rdtype]


KINDS = tuple(kind for kind in globals().values() if isinstance(kind, RemarkKind))
RULES = (shared_address, single_host, single_network, versions)
