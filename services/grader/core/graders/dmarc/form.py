"""How the record is written: alignment and failure options, its form, tags of the past."""

from collections.abc import Iterator

from services.common.records.dmarc import HISTORIC, DmarcRecord, FaultKind
from services.grader.core.graders.dmarc.facts import Case
from services.grader.core.remark import Level, Remark, RemarkKind

INVALID_ADKIM_VALUE = RemarkKind(
    tag="DMARC_INVALID_ADKIM_VALUE",
    number=1,
    level=Level.ERROR,
    text="adkim={value} is neither r nor s",
    reference="RFC 9989 sections 4.7 and 4.8",
    means="Receivers use relaxed alignment for DKIM, the default.",
    mend="Write adkim=r or adkim=s, or remove the tag.",
)
INVALID_ASPF_VALUE = RemarkKind(
    tag="DMARC_INVALID_ASPF_VALUE",
    number=2,
    level=Level.ERROR,
    text="aspf={value} is neither r nor s",
    reference="RFC 9989 sections 4.7 and 4.8",
    means="Receivers use relaxed alignment for SPF, the default.",
    mend="Write aspf=r or aspf=s, or remove the tag.",
)
INVALID_FAILURE_REPORTING_VALUE = RemarkKind(
    tag="DMARC_INVALID_FAILURE_REPORTING_VALUE",
    number=3,
    level=Level.WARNING,
    text="fo={value} is no list of 0, 1, d and s between colons",
    reference="RFC 9989 sections 4.7 and 4.8",
    means="Receivers that send failure reports use the default, fo=0.",
    mend="Write fo=1, for example, or remove the tag.",
)
INVALID_RF_VALUE = RemarkKind(
    tag="DMARC_INVALID_RF_VALUE",
    number=7,
    level=Level.DEPRECATION,
    text="rf={value} was never a report format",
    reference="RFC 7489 section 6.3",
    means="Nothing: the tag was removed from DMARC, and older receivers know afrf only.",
    mend="Remove rf.",
)
INVALID_RI_VALUE = RemarkKind(
    tag="DMARC_INVALID_RI_VALUE",
    number=8,
    level=Level.DEPRECATION,
    text="ri={value} is no number of seconds from 0 to 4294967295",
    reference="RFC 7489 section 6.3",
    means="Nothing: the tag was removed from DMARC, and reports come daily.",
    mend="Remove ri.",
)
INVALID_PCT_VALUE = RemarkKind(
    tag="DMARC_INVALID_PCT_VALUE",
    number=9,
    level=Level.DEPRECATION,
    text="pct={value} is no whole number from 0 to 100",
    reference="RFC 7489 section 6.3",
    means="The tag was removed from DMARC. Older receivers apply the policy to all mail.",
    mend="Remove pct.",
)
HISTORIC_TAG = RemarkKind(
    tag="DMARC_HISTORIC_TAG",
    number=130,
    level=Level.DEPRECATION,
    text="{tag}={value}: the tag was removed from DMARC",
    reference="RFC 9989 appendix C",
    means="Receivers of today ignore it.",
    mend="Remove it.",
)
INVALID_PSD_VALUE = RemarkKind(
    tag="DMARC_INVALID_PSD_VALUE",
    number=131,
    level=Level.WARNING,
    text="psd={value} is none of y, n and u",
    reference="RFC 9989 sections 4.7 and 4.8",
    means="Receivers act as if the tag were not there.",
    mend="Write psd=n if this is the top domain of your organisation, or remove the tag.",
)
INVALID_TEST_VALUE = RemarkKind(
    tag="DMARC_INVALID_TEST_VALUE",
    number=132,
    level=Level.WARNING,
    text="t={value} is neither y nor n",
    reference="RFC 9989 sections 4.7 and 4.8",
    means="Receivers apply the policy in full.",
    mend="Write t=y if you are testing, else remove the tag.",
)
UNKNOWN_TAG = RemarkKind(
    tag="DMARC_UNKNOWN_TAG",
    number=133,
    level=Level.WARNING,
    text="{tag}={value}: there is no such tag",
    reference="RFC 9989 section 4.7",
    means="Receivers ignore it. If it is a slip, what you meant is missing.",
    mend="Correct its name or remove it.",
)
TAG_CASE = RemarkKind(
    tag="DMARC_TAG_CASE",
    number=134,
    level=Level.ERROR,
    text="{tag}={value}: names of tags are written in lower case",
    reference="RFC 9989 section 4.7, RFC 6376 section 3.2",
    means="Receivers may take it for an unknown tag and ignore it.",
    mend="Write the name in lower case.",
)
DUPLICATE_TAG = RemarkKind(
    tag="DMARC_DUPLICATE_TAG",
    number=135,
    level=Level.WARNING,
    text="{tag}={value} is written more than once",
    reference="RFC 6376 section 3.2",
    means="A receiver that is strict about the form discards the record.",
    mend="Keep one of them.",
)
CONTRADICTORY_TAG = RemarkKind(
    tag="DMARC_CONTRADICTORY_TAG",
    number=136,
    level=Level.ERROR,
    text="{tag} is given different values: {value}",
    reference="RFC 6376 section 3.2",
    means="Receivers differ in which of them they use, and some discard the record. None of them "
    "can be relied on.",
    mend="Keep the one that you mean.",
)
MALFORMED_PART = RemarkKind(
    tag="DMARC_MALFORMED_PART",
    number=137,
    level=Level.ERROR,
    text="{part} is no tag with a value",
    reference="RFC 9989 section 4.8",
    means="Receivers ignore this part. Often a semicolon stands where a comma should.",
    mend="Separate tags by semicolons and report addresses by commas.",
)
FOREIGN_CHARACTER = RemarkKind(
    tag="DMARC_FOREIGN_CHARACTER",
    number=138,
    level=Level.ERROR,
    text="The record has the byte {character}, which is not printable ASCII",
    reference="RFC 9989 section 4.8",
    means="Receivers may ignore the tag that holds it. It is often a curly quote or a special "
    "space, pasted from a text document.",
    mend="Type the record anew with plain characters.",
)
POLICY_NOT_SECOND = RemarkKind(
    tag="DMARC_POLICY_NOT_SECOND",
    number=139,
    level=Level.INFO,
    text="p does not stand right after the version",
    reference="RFC 7489 section 6.4",
    means="That is allowed now, but older receivers may ignore the record.",
    mend="Let the record begin with v=DMARC1; p=.",
)
FAILURE_OPTIONS_CONFLICT = RemarkKind(
    tag="DMARC_FAILURE_OPTIONS_CONFLICT",
    number=140,
    level=Level.WARNING,
    text="fo={value} has both 0 and 1, which exclude each other",
    reference="RFC 9989 section 4.7",
    means="It is open which failures are reported.",
    mend="Keep fo=1 for every failure, or fo=0 for failures of everything.",
)
FAILURE_OPTIONS_UNUSED = RemarkKind(
    tag="DMARC_FAILURE_OPTIONS_UNUSED",
    number=141,
    level=Level.INFO,
    text="fo={value} has no effect without ruf",
    reference="RFC 9989 section 4.7",
    means="Receivers ignore it.",
    mend="Remove fo, or add ruf with an address for failure reports.",
)
STRICT_ALIGNMENT = RemarkKind(
    tag="DMARC_STRICT_ALIGNMENT",
    number=142,
    level=Level.INFO,
    text="Alignment is strict for {mechanisms}",
    reference="RFC 9989 section 4.4",
    means="Only the very domain of the sender's address counts, not a name above or below it.",
    mend="Nothing, as long as your mail passes.",
)


def faults(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 section 4.8: what is not allowed gives way to the default or is ignored."""
    for fault in record.faults:
        if fault.kind is FaultKind.INVALID and fault.tag in _INVALID:
            yield _INVALID[fault.tag](case.lookup, value=fault.value)
        elif fault.kind in _TAGS:
            yield _TAGS[fault.kind](case.lookup, tag=fault.tag, value=fault.value)
        elif fault.kind is FaultKind.MALFORMED:
            yield MALFORMED_PART(case.lookup, part=fault.value)
        elif fault.kind is FaultKind.CHARACTER:
            yield FOREIGN_CHARACTER(case.lookup, character=fault.value)


def historic(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 appendix C: pct, rf and ri were removed."""
    for tag in HISTORIC:
        value = record.value(tag)
        if value is not None:
            yield HISTORIC_TAG(case.lookup, tag=tag, value=value)


def order(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 7489 section 6.4: p was to be the second tag."""
    if record.p is not None and record.tags.tags[1].name != "p":
        yield POLICY_NOT_SECOND(case.lookup)


def failure_options(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 section 4.7: fo needs ruf, and its 0 and 1 exclude each other."""
    if not record.fo:
        return
    if record.value("ruf") is None:
        yield FAILURE_OPTIONS_UNUSED(case.lookup, value=record.value("fo"))
    elif {"0", "1"} <= set(record.fo):
        yield FAILURE_OPTIONS_CONFLICT(case.lookup, value=record.value("fo"))


def alignment(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 section 4.4: strict alignment compares whole names."""
    modes = {"DKIM": record.adkim, "SPF": record.aspf}
    strict = [mechanism for mechanism, mode in modes.items() if mode == "s"]
    if strict:
        yield STRICT_ALIGNMENT(case.lookup, mechanisms=" and ".join(strict))


_INVALID = {
    "adkim": INVALID_ADKIM_VALUE,
    "aspf": INVALID_ASPF_VALUE,
    "fo": INVALID_FAILURE_REPORTING_VALUE,
    "rf": INVALID_RF_VALUE,
    "ri": INVALID_RI_VALUE,
    "pct": INVALID_PCT_VALUE,
    "psd": INVALID_PSD_VALUE,
    "t": INVALID_TEST_VALUE,
}

_TAGS = {
    FaultKind.CONTRADICTION: CONTRADICTORY_TAG,
    FaultKind.DUPLICATE: DUPLICATE_TAG,
    FaultKind.UNKNOWN: UNKNOWN_TAG,
    FaultKind.CASE: TAG_CASE,
}

KINDS = tuple(kind for kind in globals().values() if isinstance(kind, RemarkKind))
RULES = (faults, order, failure_options, historic, alignment)
