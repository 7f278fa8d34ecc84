"""What is wrong with a single exchange."""

from collections.abc import Iterator

from services.common.dns.names import is_subdomain, labels
from services.common.dns.status import Status
from services.common.records.mx import HOSTS, Form
from services.grader.core.graders.mx.facts import Case, Host
from services.grader.core.remark import Level, Remark, RemarkKind

INVALID_EXCHANGE = RemarkKind(
    tag="MX_INVALID_EXCHANGE",
    number=6,
    level=Level.ERROR,
    text="{exchange} is not a valid host name",
    reference="RFC 5321 section 2.3.5",
    means="Senders may refuse to look such a name up, and mail by this record is lost to you.",
    mend="Let the record name a host of letters, digits and hyphens.",
)
EXCHANGE_IS_AN_IP = RemarkKind(
    tag="MX_EXCHANGE_IS_AN_IP",
    number=7,
    level=Level.ERROR,
    text="{exchange} is an IP address, not a host name",
    reference="RFC 5321 section 5.1",
    means="An MX record holds a name. The address is looked up as one, and there is none.",
    mend="Give the mail server a name with an A or AAAA record and let the MX record name that.",
)
NOT_PUBLIC_DOMAIN = RemarkKind(
    tag="MX_NOT_PUBLIC_DOMAIN",
    number=8,
    level=Level.ERROR,
    text="{exchange} ends in a top-level domain that is not known to exist",
    reference="RFC 5321 section 2.3.5",
    means="The name means something inside your network at best; the world cannot resolve it.",
    mend="Name the mail server by a name in the public DNS.",
)
POSSIBLE_BAD_EXCHANGE = RemarkKind(
    tag="MX_POSSIBLE_BAD_EXCHANGE",
    number=9,
    level=Level.ERROR,
    text="{exchange} does not exist and looks like {meant} with this domain's name added to it",
    reference="RFC 1035 section 5.1",
    means="In a zone file, a name without a final dot is continued by the zone's name. Mail by "
    "this record cannot be delivered.",
    mend="Write the final dot after the name of the exchange in the zone file.",
)
EXCHANGE_IS_ALIAS = RemarkKind(
    tag="MX_EXCHANGE_IS_ALIAS",
    number=120,
    level=Level.ERROR,
    text="{exchange} is an alias (CNAME) of {target}",
    reference="RFC 2181 section 10.3, RFC 5321 section 5.1",
    means="The exchange of an MX record must have addresses of its own. Many senders follow the "
    "alias, some refuse.",
    mend="Let the MX record name the alias's target itself.",
)
EXCHANGE_DOES_NOT_EXIST = RemarkKind(
    tag="MX_EXCHANGE_DOES_NOT_EXIST",
    number=121,
    level=Level.ERROR,
    text="{exchange} does not exist",
    reference="RFC 5321 section 5.1",
    means="Mail by this record cannot be delivered.",
    mend="Correct the name, or remove the record.",
)
EXCHANGE_DOMAIN_UNREGISTERED = RemarkKind(
    tag="MX_EXCHANGE_DOMAIN_UNREGISTERED",
    number=122,
    level=Level.FATAL,
    text="{exchange} lies in {registrable}, which nobody has registered",
    reference="RFC 5321 section 5.1",
    means="Whoever registers that domain receives mail that is meant for you.",
    mend="Remove the record or correct the name now, or register that domain yourself.",
)
EXCHANGE_HAS_NO_ADDRESS = RemarkKind(
    tag="MX_EXCHANGE_HAS_NO_ADDRESS",
    number=123,
    level=Level.ERROR,
    text="{exchange} has neither an IPv4 nor an IPv6 address",
    reference="RFC 5321 section 5.1",
    means="Mail by this record cannot be delivered.",
    mend="Give the host an A or AAAA record, or remove the MX record.",
)
ADDRESS_NOT_PUBLIC = RemarkKind(
    tag="MX_ADDRESS_NOT_PUBLIC",
    number=124,
    level=Level.ERROR,
    text="{exchange} has the address {addresses}, which the Internet cannot reach",
    reference="RFC 6890",
    means="Senders that pick this address fail, or reach a machine in their own network.",
    mend="Publish only addresses that the whole Internet can reach.",
)
EXCHANGE_IS_LOCAL = RemarkKind(
    tag="MX_EXCHANGE_IS_LOCAL",
    number=125,
    level=Level.ERROR,
    text="{exchange} means the sender's own machine",
    reference="RFC 6761 section 6.3",
    means="Senders would deliver your mail to themselves; they drop it instead.",
    mend='Name your mail server, or publish "0 ." if you want no mail.',
)
EXCHANGE_HAS_UNDERSCORE = RemarkKind(
    tag="MX_EXCHANGE_HAS_UNDERSCORE",
    number=126,
    level=Level.WARNING,
    text="{exchange} has an underscore, which a host name cannot have",
    reference="RFC 1123 section 2.1",
    means="Most senders deliver all the same, some refuse the name.",
    mend="Rename the host with a hyphen.",
)
EXCHANGE_IS_PUBLIC_SUFFIX = RemarkKind(
    tag="MX_EXCHANGE_IS_PUBLIC_SUFFIX",
    number=127,
    level=Level.ERROR,
    text="{exchange} is a name under which others register domains, not a host",
    reference="RFC 5321 section 5.1",
    means="The record is most likely cut short, and mail by it is lost.",
    mend="Write the whole name of the mail server.",
)
OWNERSHIP_PROOF = RemarkKind(
    tag="MX_OWNERSHIP_PROOF",
    number=128,
    level=Level.WARNING,
    text="{exchange} only proves to a provider that you own the domain",
    reference="RFC 6761 section 6.4",
    means="The name can never exist. Senders that try it lose time; it counts neither for nor "
    "against you.",
    mend="Remove the record once the provider has verified the domain.",
)
EXCHANGE_BOGUS = RemarkKind(
    tag="MX_EXCHANGE_BOGUS",
    number=129,
    level=Level.ERROR,
    text="The addresses of {exchange} fail DNSSEC validation",
    reference="RFC 4035 section 5.5",
    means="Every sender whose resolver validates cannot reach this exchange.",
    mend="Tell whoever runs that host's zone to repair its signatures or DS record.",
)
EXCHANGE_NOT_OBSERVED = RemarkKind(
    tag="MX_EXCHANGE_NOT_OBSERVED",
    number=130,
    level=Level.WARNING,
    text="The addresses of {exchange} could not be observed: {statuses}",
    reference="RFC 5321 section 5.1",
    means="We do not know whether mail can reach it. Senders in the same position try again.",
    mend="See whether the name servers of that host answer.",
)


def form(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 2.3.5: an exchange is the name of a host in the public DNS."""
    for host in case.hosts:
        if host.form in _BY_FORM:
            yield _BY_FORM[host.form](case.mx, exchange=host.name)


def unresolved(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: an exchange that does not lead to an address cannot be used."""
    for host in case.hosts:
        if host.form in HOSTS and not host.usable and not host.open and not host.bogus:
            yield from _why_unresolved(host, case)


def alias(case: Case) -> Iterator[Remark]:
    """RFC 2181 section 10.3: an exchange must not be an alias."""
    for host in case.hosts:
        if host.aliases:
            target = host.aliases[-1]
            yield EXCHANGE_IS_ALIAS(*host.lookups, exchange=host.name, target=target)


def not_public(case: Case) -> Iterator[Remark]:
    """RFC 6890: special-purpose addresses are not reachable from everywhere."""
    for host in case.hosts:
        if host.private:
            addresses = ", ".join(host.private)
            yield ADDRESS_NOT_PUBLIC(*host.lookups, exchange=host.name, addresses=addresses)


def bogus(case: Case) -> Iterator[Remark]:
    """RFC 4035 section 5.5: a validating resolver gives no such address."""
    for host in case.hosts:
        if host.bogus:
            yield EXCHANGE_BOGUS(*host.lookups, exchange=host.name)


def not_observed(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: a temporary failure tells nothing."""
    for host in (*case.hosts, *((case.site,) if case.site else ())):
        if host.open:
            open_ones = [seen for seen in host.lookups if not seen.determined]
            statuses = ", ".join(f"{seen.rdtype} {seen.status}" for seen in open_ones)
            yield EXCHANGE_NOT_OBSERVED(*open_ones, exchange=host.name, statuses=statuses)


def _why_unresolved(host: Host, case: Case) -> Iterator[Remark]:
    suffix = case.reference.public_suffix(host.name)
    if not suffix:
        yield NOT_PUBLIC_DOMAIN(case.mx, *host.lookups, exchange=host.name)
    elif suffix == host.name:
        yield EXCHANGE_IS_PUBLIC_SUFFIX(case.mx, *host.lookups, exchange=host.name)
    elif host.missing:
        yield _missing(host, case)
    elif host.addressless:
        yield EXCHANGE_HAS_NO_ADDRESS(*host.lookups, exchange=host.name)


def _missing(host: Host, case: Case) -> Remark:
    if meant := _meant(host.name, case):
        return POSSIBLE_BAD_EXCHANGE(*host.lookups, exchange=host.name, meant=meant)
    if registrable := _unregistered(host, case):
        return EXCHANGE_DOMAIN_UNREGISTERED(
            *host.lookups, exchange=host.name, registrable=registrable
        )
    return EXCHANGE_DOES_NOT_EXIST(*host.lookups, exchange=host.name)


def _unregistered(host: Host, case: Case) -> str:
    """The registrable domain of a host, where the zone that denies it is the public suffix."""
    zone = next((s.zone for s in host.lookups if s.status is Status.NXDOMAIN), "")
    if host.aliases or not zone or zone != case.reference.public_suffix(host.name):
        return ""
    return ".".join(labels(host.name)[-len(labels(zone)) - 1 :])


def _meant(exchange: str, case: Case) -> str:
    """The name before this domain's own where that is a public name of at least two labels."""
    domain = case.section.domain
    if exchange == domain or not is_subdomain(exchange, domain):
        return ""
    before = exchange[: -len(domain) - 1]
    suffix = case.reference.public_suffix(before)
    return before if suffix and suffix != before and len(labels(before)) > 2 else ""


_BY_FORM = {
    Form.SYNTAX: INVALID_EXCHANGE,
    Form.ADDRESS: EXCHANGE_IS_AN_IP,
    Form.LOCAL: EXCHANGE_IS_LOCAL,
    Form.OWNERSHIP: OWNERSHIP_PROOF,
    Form.UNDERSCORED: EXCHANGE_HAS_UNDERSCORE,
}

KINDS = tuple(kind for kind in globals().values() if isinstance(kind, RemarkKind))
RULES = (form, unresolved, alias, not_public, bogus, not_observed)
