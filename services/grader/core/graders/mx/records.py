"""What the MX records say as a set: none, null, implicit, doubled."""

from collections import Counter
from collections.abc import Iterator

from services.common.dns.status import Status
from services.common.questions.mx import MAX_EXCHANGES, exchanges
from services.grader.core.graders.mx.facts import Case
from services.grader.core.remark import Level, Remark, RemarkKind

NO_MX_RECORDS = RemarkKind(
    tag="MX_NO_MX_RECORDS",
    number=0,
    level=Level.FATAL,
    text="There is no MX record and no address that mail could be sent to",
    reference="RFC 5321 section 5.1",
    means="Nobody can send mail to this domain: it is refused at once as undeliverable.",
    mend='If you want no mail, say so with the MX record "0 ." (RFC 7505). If you do, publish an '
    "MX record with the name of your mail server.",
)
NULL_MX = RemarkKind(
    tag="MX_NULL_MX",
    number=100,
    level=Level.INFO,
    text="The domain says that it takes no mail",
    reference="RFC 7505 section 3",
    means="Senders give up at once and tell their users so, instead of trying for days.",
    mend="Nothing, if that is what you want.",
)
NULL_MX_WITH_OTHERS = RemarkKind(
    tag="MX_NULL_MX_WITH_OTHERS",
    number=101,
    level=Level.FATAL,
    text='The null MX ("{preference} .") stands beside {others} other MX records',
    reference="RFC 7505 section 3",
    means="One record says that the domain takes no mail, the others that it does. Some senders "
    "give up, others deliver.",
    mend="Remove the null MX if you want mail, or every other MX record if you do not.",
)
NULL_MX_PREFERENCE = RemarkKind(
    tag="MX_NULL_MX_PREFERENCE",
    number=102,
    level=Level.WARNING,
    text="The null MX has the preference {preference} instead of 0",
    reference="RFC 7505 section 3",
    means="A sender that wants the null MX exactly as it is specified may not know it for one.",
    mend='Publish it as "0 .".',
)
IMPLICIT_MX = RemarkKind(
    tag="MX_IMPLICIT_MX",
    number=103,
    level=Level.WARNING,
    text="There is no MX record, so mail goes to the domain's own address {addresses}",
    reference="RFC 5321 section 5.1",
    means="Senders try the address of your web site. If no mail server is there, they keep "
    "trying for days before they tell their users.",
    mend='Publish an MX record that names your mail server, or "0 ." if you want no mail.',
)
NO_USABLE_EXCHANGE = RemarkKind(
    tag="MX_NO_USABLE_EXCHANGE",
    number=104,
    level=Level.FATAL,
    text="None of the {count} exchanges can be reached",
    reference="RFC 5321 section 5.1",
    means="Mail to this domain cannot be delivered. With an MX record present, senders may not "
    "fall back to the domain's own address.",
    mend="Let at least one MX record name a host that has a public address.",
)
DUPLICATE_EXCHANGE = RemarkKind(
    tag="MX_DUPLICATE_EXCHANGE",
    number=105,
    level=Level.WARNING,
    text="{exchange} is named by {count} MX records, with the preferences {preferences}",
    reference="RFC 5321 section 5.1",
    means="The further records only make senders try the same host again.",
    mend="Keep one record for each host.",
)
EQUAL_PREFERENCE = RemarkKind(
    tag="MX_EQUAL_PREFERENCE",
    number=106,
    level=Level.INFO,
    text="All {count} exchanges have the preference {preference}",
    reference="RFC 5321 section 5.1",
    means="Senders spread their mail over all of them at random; none is held back as a spare.",
    mend="Nothing, if you want the load spread.",
)
TOO_MANY_EXCHANGES = RemarkKind(
    tag="MX_TOO_MANY_EXCHANGES",
    number=107,
    level=Level.WARNING,
    text="{count} exchanges are named; only the first {looked_into} were looked into",
    reference="RFC 5321 section 5.1",
    means="No sender tries so many hosts. The grade rests on those that come first.",
    mend="Name the few hosts that really take your mail.",
)
OUTSOURCED = RemarkKind(
    tag="MX_OUTSOURCED",
    number=108,
    level=Level.INFO,
    text="The MX records are those of {target}, to which the domain is an alias",
    reference="RFC 5321 section 5.1",
    means="Whoever runs that name decides where your mail goes.",
    mend="Nothing, if you trust the owner of that name.",
)
BOGUS = RemarkKind(
    tag="MX_BOGUS",
    number=109,
    level=Level.FATAL,
    text="The MX records fail DNSSEC validation",
    reference="RFC 4035 section 5.5",
    means="Every sender whose resolver validates sees no answer at all and cannot deliver.",
    mend="Repair the zone's signatures or its DS record at the parent, or remove the DS record.",
)
NOT_OBSERVED = RemarkKind(
    tag="MX_NOT_OBSERVED",
    number=110,
    level=Level.WARNING,
    text="The MX records could not be observed: {status}",
    reference="RFC 5321 section 5.1",
    means="We do not know whether there are any. Senders in the same position keep mail back "
    "and try again.",
    mend="See whether your name servers answer questions for MX, over UDP and TCP.",
)


def no_destination(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: with neither MX nor address, mail is undeliverable."""
    if case.mx.status is Status.NXDOMAIN:
        yield NO_MX_RECORDS(case.mx)
    elif case.site and not case.site.usable and not case.site.open:
        yield NO_MX_RECORDS(case.mx, *case.site.lookups)


def implicit(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: without MX, the domain's own address counts as its exchange."""
    if case.site and case.site.usable:
        addresses = ", ".join(case.site.public)
        yield IMPLICIT_MX(case.mx, *case.site.lookups, addresses=addresses)


def null(case: Case) -> Iterator[Remark]:
    """RFC 7505 section 3: a single record "0 ." and nothing beside it."""
    preference = next((record.preference for record in case.records if record.null), None)
    if preference is None:
        return
    if not case.null:
        others = sum(not record.null for record in case.records)
        yield NULL_MX_WITH_OTHERS(case.mx, preference=preference, others=others)
        return
    yield NULL_MX(case.mx)
    if preference:
        yield NULL_MX_PREFERENCE(case.mx, preference=preference)


def none_usable(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: where MX records exist, only they count."""
    if case.records and not case.null and not any(h.usable or h.open for h in case.hosts):
        yield NO_USABLE_EXCHANGE(case.mx, count=len(case.hosts))


def doubled(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: an exchange needs one record."""
    for host in case.hosts:
        if len(host.preferences) > 1:
            yield DUPLICATE_EXCHANGE(
                case.mx,
                exchange=host.name,
                count=len(host.preferences),
                preferences=", ".join(map(str, host.preferences)),
            )


def equal_preference(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: among equals, senders choose at random."""
    preferences = Counter(host.preferences[0] for host in case.candidates)
    if len(case.candidates) > 1 and len(preferences) == 1:
        yield EQUAL_PREFERENCE(case.mx, count=len(case.candidates), preference=min(preferences))


def too_many(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: senders may limit how many hosts they try."""
    named = exchanges(case.mx) if case.records else []
    if len(named) > MAX_EXCHANGES:
        yield TOO_MANY_EXCHANGES(case.mx, count=len(named), looked_into=MAX_EXCHANGES)


def outsourced(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: a CNAME is followed as if its target had been given."""
    if case.records and case.mx.aliases:
        yield OUTSOURCED(case.mx, target=case.mx.aliases[-1])


def bogus(case: Case) -> Iterator[Remark]:
    """RFC 4035 section 5.5: a validating resolver answers SERVFAIL."""
    if case.mx.status is Status.BOGUS:
        yield BOGUS(case.mx)


def not_observed(case: Case) -> Iterator[Remark]:
    """RFC 5321 section 5.1: a temporary failure tells nothing."""
    if not case.mx.determined:
        yield NOT_OBSERVED(case.mx, status=case.mx.status)


KINDS = tuple(kind for kind in globals().values() if isinstance(kind, RemarkKind))
RULES = (
    not_observed,
    bogus,
    no_destination,
    implicit,
    null,
    none_usable,
    too_many,
    doubled,
    outsourced,
    equal_preference,
)
