"""The grade of a site's DMARC policy."""

from collections.abc import Iterator
from typing import Any

from services.common.dns.status import Status
from services.common.records.dmarc import DmarcRecord, Scope
from services.common.reference.bundle import Reference
from services.grader.core import scoring
from services.grader.core.graders.dmarc import discovery, form, policy, reports
from services.grader.core.graders.dmarc.facts import Case, read
from services.grader.core.graders.dmarc.unobserved import possible
from services.grader.core.remark import Remark, worst_first
from services.grader.core.verdict import Graded, Grader, Section, bracket

_RULES_OF_RECORD = (*policy.RULES, *reports.RULES, *form.RULES)


def grade(section: Section, reference: Reference) -> Graded:
    """What receivers do with mail that pretends to be from the site (RFC 9989)."""
    case = read(section, reference)
    graded = Graded(_points(case), tuple(worst_first(_remarks(case))), _detail(case))
    return bracket(graded, (Graded(_points(other), ()) for other in possible(case)))


def _remarks(case: Case) -> Iterator[Remark]:
    for search in discovery.RULES:
        yield from search(case)
    if case.record is not None:
        for rule in _RULES_OF_RECORD:
            yield from rule(case, case.record)


def _points(case: Case) -> int:
    if case.record is None or not case.record.applied:
        return scoring.DMARC_NONE
    reported = case.reported or case.silent
    return scoring.dmarc(case.policy, case.policy_below, reported)


def _detail(case: Case) -> dict[str, Any]:
    record = case.record
    return {
        "state": _state(case),
        "record": record.text if record else None,
        "location": case.lookup.name if record else None,
        "tags": [list(tag) for tag in record.tags.tags] if record else [],
        "effective_policy": case.policy if record and record.applied else None,
        "effective_policy_below": case.policy_below if record and record.applied else None,
        "requested": _requested(record) if record and record.applied else None,
        "organisational_domain": case.found.organisational_domain,
        "reports_arrive": case.reported,
        "destinations": [
            {"host": there.host, "external": there.external, "works": there.works}
            for there in case.destinations.values()
        ],
        "walk": [
            {
                "name": step.seen.name,
                "status": step.seen.status,
                "records": len(step.records),
            }
            for step in case.found.steps
        ],
    }


def _requested(record: DmarcRecord) -> dict[str, str]:
    return {scope.value: record.requested(scope) for scope in Scope}


def _state(case: Case) -> str:
    """In this order: what was found, and if nothing was, why."""
    if not case.own.determined:
        return "undetermined"
    if case.own.status is Status.BOGUS:
        return "bogus"
    if case.record is not None:
        return "valid" if case.record.sound else "flawed" if case.record.applied else "invalid"
    if any(not step.seen.determined for step in case.found.steps):
        return "undetermined"
    return "multiple" if any(len(step.records) > 1 for step in case.found.steps) else "none"


GRADER = Grader(
    name="dmarc",
    version=1,
    kinds=tuple(
        sorted(
            (*discovery.KINDS, *policy.KINDS, *form.KINDS, *reports.KINDS),
            key=lambda kind: kind.number,
        )
    ),
    grade=grade,
)
