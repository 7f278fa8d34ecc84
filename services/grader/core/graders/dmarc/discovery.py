"""Where the record was found, or why none was."""

from collections.abc import Iterator

from services.common.dns.names import labels
from services.common.dns.status import Status
from services.common.questions.dmarc import MAX_WALK
from services.common.records.dmarc import is_dmarc, near_miss
from services.common.reference.suffixes import registrable
from services.grader.core.graders.dmarc.facts import Case
from services.grader.core.remark import Level, Remark, RemarkKind

MULTIPLE_DMARC_RECORDS = RemarkKind(
    tag="DMARC_MULTIPLE_DMARC_RECORDS",
    number=6,
    level=Level.FATAL,
    text="There are {count} DMARC records at _dmarc.{domain}",
    reference="RFC 9989 section 4.10",
    means="Receivers discard all of them, as if there were none.",
    mend="Keep one record and remove the others.",
)
INVALID_DMARC_RECORD_START = RemarkKind(
    tag="DMARC_INVALID_DMARC_RECORD_START",
    number=10,
    level=Level.FATAL,
    text="A record at _dmarc.{domain} is ignored because {reason}: {record}",
    reference="RFC 9989 section 4.7",
    means="Receivers read only records that begin with exactly v=DMARC1 and a semicolon.",
    mend="Let the record begin with v=DMARC1; as the very first characters.",
)
NO_DMARC_RECORD = RemarkKind(
    tag="DMARC_NO_DMARC_RECORD",
    number=11,
    level=Level.FATAL,
    text="There is no DMARC record for this domain",
    reference="RFC 9989 section 4.10.1",
    means="Anybody can send mail that pretends to be from you, and you do not hear of it.",
    mend='Publish a TXT record at _dmarc below your domain, to begin with "v=DMARC1; p=none; '
    'rua=mailto:" and an address of yours, and tighten it once the reports look right.',
)
INHERITED_POLICY = RemarkKind(
    tag="DMARC_INHERITED_POLICY",
    number=100,
    level=Level.INFO,
    text="The record of {location} applies, by its tag {tag}",
    reference="RFC 9989 section 4.10.1",
    means="This domain has no record of its own and follows that of the domain above it.",
    mend="Publish a record here too: older receivers may look for it at another name.",
)
POLICY_FROM_SUFFIX = RemarkKind(
    tag="DMARC_POLICY_FROM_SUFFIX",
    number=101,
    level=Level.WARNING,
    text="The record of the registry at {location} applies, by its tag {tag}",
    reference="RFC 9989 section 4.10.1",
    means="Whoever runs the names above yours decides what becomes of your mail, and gets the "
    "reports about it.",
    mend="Publish a record of your own.",
)
ORGANISATIONAL_DOMAIN_DIFFERS = RemarkKind(
    tag="DMARC_ORGANISATIONAL_DOMAIN_DIFFERS",
    number=102,
    level=Level.WARNING,
    text="By the DNS this domain belongs to {walked}, by the public suffix list to {listed}",
    reference="RFC 9989 section 4.10.2 and appendix C",
    means="New receivers go by the DNS, older ones by the list. They can find different records "
    "and disagree on which signatures count as yours.",
    mend="Publish a record at each name that sends mail, with psd=n at the domain that is the "
    "top of your organisation.",
)
DEEP_NAME = RemarkKind(
    tag="DMARC_DEEP_NAME",
    number=103,
    level=Level.INFO,
    text="The domain has {count} labels; records between it and its last seven are never seen",
    reference="RFC 9989 section 4.10",
    means="Receivers skip names to limit their questions.",
    mend="Publish the record at the name itself or within its last seven labels.",
)
PSD_ON_NON_SUFFIX = RemarkKind(
    tag="DMARC_PSD_ON_NON_SUFFIX",
    number=104,
    level=Level.ERROR,
    text="The record of {domain} says psd=y, but nobody registers names below it",
    reference="RFC 9989 section 4.7",
    means="Receivers take each name below it for an organisation of its own, so that your "
    "subdomains no longer count as yours.",
    mend="Remove the tag, or write psd=n.",
)
IGNORED_TEXT = RemarkKind(
    tag="DMARC_IGNORED_TEXT",
    number=105,
    level=Level.WARNING,
    text="A text at _dmarc.{domain} is no DMARC record: {record}",
    reference="RFC 9989 section 4.10",
    means="Receivers discard it. It often comes from a wildcard record or a slip.",
    mend="Remove it from this name.",
)
RECORD_AT_WRONG_NAME = RemarkKind(
    tag="DMARC_RECORD_AT_WRONG_NAME",
    number=106,
    level=Level.ERROR,
    text="A DMARC record stands at {domain} itself: {record}",
    reference="RFC 9989 section 4.5",
    means="Receivers look at _dmarc below the domain only and never see it.",
    mend="Move it to _dmarc below the domain.",
)
OUTSOURCED = RemarkKind(
    tag="DMARC_OUTSOURCED",
    number=107,
    level=Level.INFO,
    text="_dmarc.{domain} is an alias of {target}",
    reference="RFC 9989 section 4.5",
    means="Whoever runs that name decides your policy.",
    mend="Nothing, if you trust the owner of that name.",
)
BOGUS = RemarkKind(
    tag="DMARC_BOGUS",
    number=108,
    level=Level.FATAL,
    text="The answer at _dmarc.{domain} fails DNSSEC validation",
    reference="RFC 4035 section 5.5",
    means="Receivers whose resolver validates see no record, and may put your mail off.",
    mend="Repair the zone's signatures or its DS record at the parent, or remove the DS record.",
)
NOT_OBSERVED = RemarkKind(
    tag="DMARC_NOT_OBSERVED",
    number=109,
    level=Level.WARNING,
    text="_dmarc.{domain} could not be observed: {status}",
    reference="RFC 9989 section 4.10.1",
    means="We do not know whether there is a record. Receivers in the same position may deliver "
    "as if there were none.",
    mend="See whether your name servers answer questions for TXT, over UDP and TCP.",
)


def absent(case: Case) -> Iterator[Remark]:
    """RFC 9989 section 4.10.1: without any record, DMARC is not applied."""
    attempts = any(map(near_miss, case.own.rdata))
    found = any(step.records or not step.seen.determined for step in case.found.steps)
    if not attempts and not found and case.own.status is not Status.BOGUS:
        yield NO_DMARC_RECORD(*(step.seen for step in case.found.steps))


def multiple(case: Case) -> Iterator[Remark]:
    """RFC 9989 section 4.10 step 2: several records at one name are all discarded."""
    for step in case.found.steps:
        if len(step.records) > 1:
            yield MULTIPLE_DMARC_RECORDS(step.seen, count=len(step.records), domain=step.domain)


def start(case: Case) -> Iterator[Remark]:
    """RFC 9989 section 4.7: the version is the first tag, exactly; all else is discarded."""
    alone = not case.found.steps[0].records
    for text in case.own.rdata:
        if is_dmarc(text):
            continue
        reason = near_miss(text)
        if reason and alone:
            yield INVALID_DMARC_RECORD_START(
                case.own, domain=case.domain, reason=reason, record=text
            )
        else:
            yield IGNORED_TEXT(case.own, domain=case.domain, record=text)


def wrong_name(case: Case) -> Iterator[Remark]:
    """RFC 9989 section 4.5: a record is published at _dmarc below the domain."""
    seen = case.section.get(case.domain, "TXT")
    for text in seen.rdata:
        if is_dmarc(text):
            yield RECORD_AT_WRONG_NAME(seen, domain=case.domain, record=text)


def inherited(case: Case) -> Iterator[Remark]:
    """RFC 9989 section 4.10.1: the organisational domain's record, else the public suffix's."""
    if not case.inherited or case.record is None:
        return
    from_suffix = case.record.psd == "y"
    kind = POLICY_FROM_SUFFIX if from_suffix else INHERITED_POLICY
    tag = next((t for t in ("np", "sp") if t in _TAGS_OF[case.scope] and case.record.value(t)), "p")
    yield kind(case.lookup, location=case.location, tag=tag)


def organisational_domain(case: Case) -> Iterator[Remark]:
    """RFC 9989 appendix C: receivers of RFC 7489 go by a public suffix list instead."""
    listed = registrable(case.domain, case.reference.public_suffix)
    walked = case.found.organisational_domain
    if case.record is not None and listed and listed != walked:
        yield ORGANISATIONAL_DOMAIN_DIFFERS(case.lookup, walked=walked, listed=listed)


def deep_name(case: Case) -> Iterator[Remark]:
    """RFC 9989 section 4.10 step 4: a walk has at most eight questions."""
    count = len(labels(case.domain))
    if count > MAX_WALK:
        yield DEEP_NAME(case.own, count=count)


def psd(case: Case) -> Iterator[Remark]:
    """RFC 9989 section 4.7: psd=y is for names under which others register domains."""
    for step in case.found.steps:
        declared = step.record is not None and step.record.psd == "y"
        if declared and case.reference.public_suffix(step.domain) != step.domain:
            yield PSD_ON_NON_SUFFIX(step.seen, domain=step.domain)


def outsourced(case: Case) -> Iterator[Remark]:
    """RFC 9989 section 4.5: the record is found by an ordinary TXT query, aliases included."""
    if case.own.answered and case.own.aliases:
        yield OUTSOURCED(case.own, domain=case.domain, target=case.own.aliases[-1])


def bogus(case: Case) -> Iterator[Remark]:
    """RFC 4035 section 5.5: a validating resolver answers SERVFAIL."""
    for step in case.found.steps:
        if step.seen.status is Status.BOGUS:
            yield BOGUS(step.seen, domain=step.domain)


def not_observed(case: Case) -> Iterator[Remark]:
    """RFC 9989 section 4.10.1: a transient error is no indication that there is no record."""
    for step in case.found.steps:
        if not step.seen.determined:
            yield NOT_OBSERVED(step.seen, domain=step.domain, status=step.seen.status)


_TAGS_OF = {"p": (), "sp": ("sp",), "np": ("np", "sp")}

KINDS = tuple(kind for kind in globals().values() if isinstance(kind, RemarkKind))
RULES = (
    not_observed,
    bogus,
    absent,
    multiple,
    start,
    wrong_name,
    psd,
    inherited,
    organisational_domain,
    deep_name,
    outsourced,
)
