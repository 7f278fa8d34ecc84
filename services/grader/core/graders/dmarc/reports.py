"""Whether reports arrive: addresses, destinations that must agree, and take mail."""

from collections.abc import Iterator

from services.common.dns.status import Status
from services.common.records.dmarc import DmarcRecord
from services.common.records.uri import ReportUri, UriFault
from services.grader.core.graders.dmarc.destination import Destination
from services.grader.core.graders.dmarc.facts import Case
from services.grader.core.remark import Level, Remark, RemarkKind

NO_AGGREGATE_REPORTS = RemarkKind(
    tag="DMARC_NO_AGGREGATE_REPORTS",
    number=150,
    level=Level.WARNING,
    text="The record asks for no aggregate reports (rua)",
    reference="RFC 9989 sections 4.7 and 5.1.3",
    means="You learn neither who sends mail in your name nor whether your own mail passes.",
    mend='Add "rua=mailto:" and an address that somebody or some service reads.',
)
REPORT_ADDRESS_INVALID = RemarkKind(
    tag="DMARC_REPORT_ADDRESS_INVALID",
    number=151,
    level=Level.ERROR,
    text="{tag}: {uri} cannot be used: {reason}",
    reference="RFC 9989 sections 4.6 and 4.8",
    means="No report is sent there.",
    mend="Write each address as mailto:user@example.com, separated by commas.",
)
REPORT_ADDRESS_EMPTY = RemarkKind(
    tag="DMARC_REPORT_ADDRESS_EMPTY",
    number=162,
    level=Level.WARNING,
    text="{tag} has a comma with no address before or after it, or no address at all",
    reference="RFC 9989 section 4.8",
    means="Most reporters skip the gap; a strict one may ignore the whole list.",
    mend="Remove the comma, or write the address that is missing.",
)
REPORT_SCHEME_UNSUPPORTED = RemarkKind(
    tag="DMARC_REPORT_SCHEME_UNSUPPORTED",
    number=152,
    level=Level.WARNING,
    text="{tag}: {uri} is no mailto address",
    reference="RFC 9989 section 4.7",
    means="Reporters need only know mailto and ignore what they do not know.",
    mend="Give a mailto address.",
)
REPORT_SIZE_LIMIT = RemarkKind(
    tag="DMARC_REPORT_SIZE_LIMIT",
    number=153,
    level=Level.DEPRECATION,
    text="{tag}: {uri} ends in the size limit !{size}",
    reference="RFC 9989 section 4.8",
    means="Limits were removed from DMARC and are ignored.",
    mend="Remove it. Encode an exclamation mark that belongs to the address as %21.",
)
REPORT_NOT_AUTHORISED = RemarkKind(
    tag="DMARC_REPORT_NOT_AUTHORISED",
    number=154,
    level=Level.ERROR,
    text="{host} does not say that it takes reports about {domain}",
    reference="RFC 9990 section 4",
    means="Reporters send nothing there, so that nobody can be flooded by a stranger's record.",
    mend="Ask the operator of that domain to publish v=DMARC1; as a TXT record at your domain's "
    "name followed by ._report._dmarc. and theirs.",
)
REPORT_DOMAIN_MISSING = RemarkKind(
    tag="DMARC_REPORT_DOMAIN_MISSING",
    number=155,
    level=Level.ERROR,
    text="{host}, to which reports are sent, does not exist",
    reference="RFC 9990 section 4",
    means="Reports are lost. Whoever registers that name could ask for them.",
    mend="Correct the address in the record.",
)
REPORT_DOMAIN_TAKES_NO_MAIL = RemarkKind(
    tag="DMARC_REPORT_DOMAIN_TAKES_NO_MAIL",
    number=156,
    level=Level.ERROR,
    text="{host}, to which reports are sent, takes no mail",
    reference="RFC 5321 section 5.1, RFC 7505",
    means="Reports cannot be delivered.",
    mend="Name an address in a domain that has mail servers.",
)
REPORT_DIVERTED = RemarkKind(
    tag="DMARC_REPORT_DIVERTED",
    number=157,
    level=Level.ERROR,
    text="{host} wants its reports sent to {other}, which is not allowed",
    reference="RFC 9990 section 4",
    means="Reporters must send to neither address.",
    mend="Name the right address in your own record, or ask the operator of that domain to "
    "correct its permission.",
)
TOO_MANY_REPORT_ADDRESSES = RemarkKind(
    tag="DMARC_TOO_MANY_REPORT_ADDRESSES",
    number=158,
    level=Level.WARNING,
    text="{tag} names {count} addresses",
    reference="RFC 7489 section 6.2",
    means="Reporters need not send to more than two.",
    mend="Name at most two, the more important first.",
)
FAILURE_REPORTS = RemarkKind(
    tag="DMARC_FAILURE_REPORTS",
    number=159,
    level=Level.INFO,
    text="Reports about single messages (ruf) are asked for",
    reference="RFC 9991",
    means="Few receivers send them, for they can hold private data.",
    mend="Nothing, if you handle them with care.",
)
REPORT_NOT_OBSERVED = RemarkKind(
    tag="DMARC_REPORT_NOT_OBSERVED",
    number=160,
    level=Level.WARNING,
    text="Whether {host} takes reports could not be observed: {statuses}",
    reference="RFC 9990 section 4",
    means="We do not know whether reports arrive there. Reporters in the same position may try "
    "again later.",
    mend="See whether the name servers of that domain answer.",
)
NO_MAIL_TO_REPORT = RemarkKind(
    tag="DMARC_NO_MAIL_TO_REPORT",
    number=161,
    level=Level.INFO,
    text="The domain says that it neither takes nor sends mail, and rejects what pretends to be",
    reference="RFC 7505 section 4.2, RFC 7208 section 10.1.2",
    means="This is how a domain without mail is best protected; it needs no reports.",
    mend="Nothing.",
)


def no_reports(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 section 4.7: without rua, no aggregate reports are made."""
    if record.value("rua") is None and not case.silent:
        yield NO_AGGREGATE_REPORTS(case.lookup)


def silent(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 7505 section 4.2: a domain without mail says so in MX, SPF and DMARC."""
    if case.silent:
        yield NO_MAIL_TO_REPORT(case.lookup, case.mail, case.section.get(case.domain, "TXT"))


def addresses(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 section 4.8: URIs between commas, of which mailto serves everywhere."""
    for tag, uris in _uris(record):
        if any(uri.fault is UriFault.EMPTY for uri in uris):
            yield REPORT_ADDRESS_EMPTY(case.lookup, tag=tag)
        for uri in uris:
            yield from _address(uri, tag, case)


def too_many(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 7489 section 6.2: receivers may limit themselves to two addresses."""
    for tag, uris in _uris(record):
        if len(uris) > 2:
            yield TOO_MANY_REPORT_ADDRESSES(case.lookup, tag=tag, count=len(uris))


def destinations(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9990 section 4: a destination elsewhere must agree, and take the mail."""
    for there in case.destinations.values():
        yield from _permission(there, case)
        yield from _mail(there)
        if missing := there.unobserved:
            statuses = ", ".join(f"{seen.rdtype} {seen.status}" for seen in missing)
            yield REPORT_NOT_OBSERVED(*missing, host=there.host, statuses=statuses)


def failure_reports(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9991: failure reports are sent where ruf says."""
    if any(uri.fault is None for uri in record.ruf):
        yield FAILURE_REPORTS(case.lookup)


def _address(uri: ReportUri, tag: str, case: Case) -> Iterator[Remark]:
    if uri.fault is not None and uri.fault is not UriFault.EMPTY:
        yield REPORT_ADDRESS_INVALID(case.lookup, tag=tag, uri=uri.text, reason=uri.fault)
    elif uri.fault is None and not uri.deliverable:
        yield REPORT_SCHEME_UNSUPPORTED(case.lookup, tag=tag, uri=uri.text)
    if uri.size:
        yield REPORT_SIZE_LIMIT(case.lookup, tag=tag, uri=uri.text, size=uri.size)


def _permission(there: Destination, case: Case) -> Iterator[Remark]:
    """RFC 9990 section 4: without a yes nothing is sent, nor with one to another host."""
    seen = () if there.permission is None else (there.permission,)
    if there.refuses:
        yield REPORT_NOT_AUTHORISED(*seen, host=there.host, domain=case.location)
    elif there.diverted_to:
        yield REPORT_DIVERTED(*seen, host=there.host, other=there.diverted_to)


def _mail(there: Destination) -> Iterator[Remark]:
    """RFC 5321 section 5.1: a report is mail and needs somewhere to go."""
    if there.mail.status is Status.NXDOMAIN:
        yield REPORT_DOMAIN_MISSING(there.mail, host=there.host)
    elif there.takes_no_mail:
        yield REPORT_DOMAIN_TAKES_NO_MAIL(there.mail, *there.addresses, host=there.host)


def _uris(record: DmarcRecord) -> tuple[tuple[str, tuple[ReportUri, ...]], ...]:
    return ("rua", record.rua), ("ruf", record.ruf)


KINDS = tuple(kind for kind in globals().values() if isinstance(kind, RemarkKind))
RULES = (addresses, destinations, no_reports, silent, too_many, failure_reports)
