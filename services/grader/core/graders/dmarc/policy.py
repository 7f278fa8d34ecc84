"""What the record asks receivers to do."""

from collections.abc import Iterator

from services.common.records.dmarc import DmarcRecord, Policy, Scope
from services.grader.core.graders.dmarc.facts import Case
from services.grader.core.remark import Level, Remark, RemarkKind

INVALID_DMARC_RECORD = RemarkKind(
    tag="DMARC_INVALID_DMARC_RECORD",
    number=0,
    level=Level.FATAL,
    text="Receivers do not apply the record: {reason}, and no valid reporting address is given",
    reference="RFC 9989 section 4.10.1",
    means="It is as if there were no record: anybody can send mail that pretends to be from you.",
    mend="Write p=none, p=quarantine or p=reject, and correct or remove sp and np.",
)
INVALID_POLICY = RemarkKind(
    tag="DMARC_INVALID_POLICY",
    number=4,
    level=Level.ERROR,
    text="p={value} is no policy",
    reference="RFC 9989 sections 4.7 and 4.10.1",
    means="Receivers act as if p=none were written, if a valid reporting address is given, and "
    "ignore the record otherwise.",
    mend="Write p=none, p=quarantine or p=reject.",
)
INVALID_SUBDOMAIN_POLICY = RemarkKind(
    tag="DMARC_INVALID_SUBDOMAIN_POLICY",
    number=5,
    level=Level.ERROR,
    text="sp={value} is no policy",
    reference="RFC 9989 section 4.10.1",
    means="It voids the whole record: receivers act as if only p=none were written, if a valid "
    "reporting address is given, and ignore the record otherwise.",
    mend="Write sp=none, sp=quarantine or sp=reject, or remove the tag.",
)
POLICY_MISSING = RemarkKind(
    tag="DMARC_POLICY_MISSING",
    number=110,
    level=Level.ERROR,
    text="The record has no p tag",
    reference="RFC 9989 section 4.10.1",
    means="Receivers act as if p=none were written, if a valid reporting address is given, and "
    "ignore the record otherwise. Older receivers ignore it in any case.",
    mend="Add p=none, p=quarantine or p=reject right after v=DMARC1;.",
)
INVALID_NONEXISTENT_POLICY = RemarkKind(
    tag="DMARC_INVALID_NONEXISTENT_POLICY",
    number=111,
    level=Level.ERROR,
    text="np={value} is no policy",
    reference="RFC 9989 section 4.10.1",
    means="It voids the whole record: receivers act as if only p=none were written, if a valid "
    "reporting address is given, and ignore the record otherwise.",
    mend="Write np=none, np=quarantine or np=reject, or remove the tag.",
)
POLICY_NONE = RemarkKind(
    tag="DMARC_POLICY_NONE",
    number=112,
    level=Level.WARNING,
    text="Receivers are asked to deliver mail that fails as if nothing were wrong",
    reference="RFC 9989 sections 4.7 and 5.4",
    means="You may get reports, but mail that pretends to be from you is delivered.",
    mend="Once the reports show that your own mail passes, move to p=quarantine, then p=reject.",
)
POLICY_QUARANTINE = RemarkKind(
    tag="DMARC_POLICY_QUARANTINE",
    number=113,
    level=Level.INFO,
    text="Receivers are asked to treat mail that fails as suspicious",
    reference="RFC 9989 section 4.7",
    means="Mail that pretends to be from you mostly ends in the spam folder.",
    mend="Consider p=reject, unless your people write to mailing lists from this domain.",
)
POLICY_REJECT = RemarkKind(
    tag="DMARC_POLICY_REJECT",
    number=114,
    level=Level.INFO,
    text="Receivers are asked to reject mail that fails",
    reference="RFC 9989 section 4.7",
    means="Mail that pretends to be from you is turned away. So may be mail that your people "
    "send through mailing lists.",
    mend="Nothing. Let your people use a subdomain with a milder policy for mailing lists.",
)
SUBDOMAIN_POLICY_NONE = RemarkKind(
    tag="DMARC_SUBDOMAIN_POLICY_NONE",
    number=115,
    level=Level.ERROR,
    text="sp=none leaves every subdomain open, while p={policy} protects the domain",
    reference="RFC 9989 section 4.7",
    means="Mail that pretends to be from any name below yours is delivered.",
    mend="Remove sp, or make it as strict as p.",
)
SUBDOMAIN_POLICY_WEAKER = RemarkKind(
    tag="DMARC_SUBDOMAIN_POLICY_WEAKER",
    number=116,
    level=Level.WARNING,
    text="sp={subdomains} is weaker than p={policy}",
    reference="RFC 9989 section 4.7",
    means="Names below yours are easier to abuse than your own.",
    mend="Remove sp, or make it as strict as p.",
)
NONEXISTENT_POLICY_WEAKER = RemarkKind(
    tag="DMARC_NONEXISTENT_POLICY_WEAKER",
    number=117,
    level=Level.ERROR,
    text="np={nonexistent} is weaker than {policy}, which holds for names that exist",
    reference="RFC 9989 section 4.7",
    means="Anybody can invent a name below yours and send mail from it.",
    mend="Write np=reject: names that do not exist send no mail.",
)
NONEXISTENT_POLICY_REJECT = RemarkKind(
    tag="DMARC_NONEXISTENT_POLICY_REJECT",
    number=118,
    level=Level.INFO,
    text="Mail from names below the domain that do not exist is to be rejected",
    reference="RFC 9989 section 4.7",
    means="Invented names below yours are of no use to forgers.",
    mend="Nothing.",
)
TEST_MODE = RemarkKind(
    tag="DMARC_TEST_MODE",
    number=119,
    level=Level.WARNING,
    text="t=y: instead of {policy}, receivers apply {effective}",
    reference="RFC 9989 section 4.7 and appendix A.6",
    means="The policy is only being tested, one level below what is written.",
    mend="Remove t once the reports show that your own mail passes.",
)
SUBDOMAIN_TAGS_IGNORED = RemarkKind(
    tag="DMARC_SUBDOMAIN_TAGS_IGNORED",
    number=120,
    level=Level.WARNING,
    text="The tags {tags} have no effect here: names below follow {organisational_domain}",
    reference="RFC 9989 section 4.7",
    means="Receivers read them only in the record of the organisational domain.",
    mend="Set them in that record, or write psd=n here if this domain stands for itself.",
)
PARTIAL_PERCENTAGE = RemarkKind(
    tag="DMARC_PARTIAL_PERCENTAGE",
    number=121,
    level=Level.WARNING,
    text="pct={percentage}: older receivers apply the policy to that share of mail, new ones to "
    "all of it",
    reference="RFC 9989 appendix A.6",
    means="The tag was removed from DMARC. You cannot count on it to soften your policy.",
    mend="Remove pct. To test a policy, write t=y.",
)
ZERO_PERCENTAGE = RemarkKind(
    tag="DMARC_ZERO_PERCENTAGE",
    number=122,
    level=Level.WARNING,
    text="pct=0 without t=y: older receivers apply a weaker policy, new ones apply {policy}",
    reference="RFC 9989 appendix A.6",
    means="The tag was removed from DMARC, and what it did is now done by t=y.",
    mend="Replace pct=0 by t=y if you are testing, else remove it.",
)


def not_applied(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 section 4.10.1: no valid policy and no valid rua mean no DMARC at all."""
    if record.applied:
        return
    reasons = [f"{tag} is not valid" for tag in _INVALID if tag in record.unusable]
    if record.value("p") is None:
        reasons.insert(0, "p is missing")
    yield INVALID_DMARC_RECORD(case.lookup, reason=", ".join(reasons))


def policy_faults(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 section 4.10.1: p, sp and np are none, quarantine or reject."""
    if record.value("p") is None:
        yield POLICY_MISSING(case.lookup)
    for fault in record.faults:
        if fault.tag in _INVALID and fault.tag in record.unusable:
            yield _INVALID[fault.tag](case.lookup, value=fault.value)


def level(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 section 4.7: what is asked for mail from the site itself."""
    if record.applied:
        yield _LEVELS[case.policy](case.lookup)


def subdomains(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 section 4.7: sp holds for names below the organisational domain."""
    if record.p is None or record.sp is None or case.inherited or not _rules_below(case):
        return
    if record.sp.rank >= record.p.rank:
        return
    if record.sp is Policy.NONE:
        yield SUBDOMAIN_POLICY_NONE(case.lookup, policy=record.p)
    else:
        yield SUBDOMAIN_POLICY_WEAKER(case.lookup, subdomains=record.sp, policy=record.p)


def nonexistent(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 section 4.7: np holds for names below that do not exist."""
    if record.np is None or not record.sound or not _rules_below(case):
        return
    existing = record.requested(Scope.SUBDOMAINS)
    if record.np.rank < existing.rank:
        tag = "sp" if record.sp is not None else "p"
        yield NONEXISTENT_POLICY_WEAKER(
            case.lookup, nonexistent=record.np, policy=f"{tag}={existing}"
        )
    elif record.np is Policy.REJECT:
        yield NONEXISTENT_POLICY_REJECT(case.lookup)


def test_mode(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 section 4.7: t=y asks for one level less."""
    requested = record.requested(case.scope)
    if record.applied and record.testing and requested is not requested.lowered:
        yield TEST_MODE(case.lookup, policy=requested, effective=requested.lowered)


def ignored_tags(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 section 4.7: sp below the organisational domain is ignored."""
    if case.inherited or _rules_below(case):
        return
    tags = [tag for tag in ("sp", "np") if record.value(tag) is not None]
    if tags:
        organisation = case.found.organisational_domain
        yield SUBDOMAIN_TAGS_IGNORED(
            case.lookup, tags=", ".join(tags), organisational_domain=organisation
        )


def percentage(case: Case, record: DmarcRecord) -> Iterator[Remark]:
    """RFC 9989 appendix A.6: pct is gone, and pct=0 is now t=y."""
    written = record.value("pct")
    if written is None or "pct" in record.unusable or int(written) == 100:
        return
    if int(written):
        yield PARTIAL_PERCENTAGE(case.lookup, percentage=written)
    elif not record.testing:
        yield ZERO_PERCENTAGE(case.lookup, policy=record.requested(case.scope))


def _rules_below(case: Case) -> bool:
    """The record in force is the one that names below it follow."""
    return case.found.inherited is not None and case.found.inherited.domain == case.location


_INVALID = {
    "p": INVALID_POLICY,
    "sp": INVALID_SUBDOMAIN_POLICY,
    "np": INVALID_NONEXISTENT_POLICY,
}
_LEVELS = {
    Policy.NONE: POLICY_NONE,
    Policy.QUARANTINE: POLICY_QUARANTINE,
    Policy.REJECT: POLICY_REJECT,
}

KINDS = tuple(kind for kind in globals().values() if isinstance(kind, RemarkKind))
RULES = (
    not_applied,
    policy_faults,
    level,
    subdomains,
    nonexistent,
    test_mode,
    ignored_tags,
    percentage,
)
