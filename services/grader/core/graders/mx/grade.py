"""The grade of a site's MX records."""

from collections.abc import Iterator
from typing import Any

from services.common.reference.bundle import Reference
from services.grader.core import scoring
from services.grader.core.graders.mx import hosts, reach, records, retired
from services.grader.core.graders.mx.facts import Case, Host, read
from services.grader.core.remark import Remark, worst_first
from services.grader.core.verdict import Graded, Grader, Section, bracket

_RULES = (*records.RULES, *hosts.RULES, *reach.RULES)


def grade(section: Section, reference: Reference) -> Graded:
    """Where mail to the site goes, and whether it arrives (RFC 5321 section 5.1, RFC 7505)."""
    case = read(section, reference)
    remarks = tuple(worst_first(_remarks(case)))
    graded = Graded(_points(case, hopeful=False), remarks, _detail(case))
    if case.mx.determined:
        return bracket(graded, [graded, Graded(_points(case, hopeful=True), ())])
    unknown = [Graded(points, ()) for points in (scoring.MX_NONE, scoring.MX_NULL)]
    return bracket(graded, unknown)


def _remarks(case: Case) -> Iterator[Remark]:
    for rule in _RULES:
        yield from rule(case)


def _points(case: Case, hopeful: bool) -> int:
    """`hopeful` takes hosts that were not observed for usable ones."""
    if case.null:
        return scoring.MX_NULL if case.records[0].preference == 0 else scoring.MX_ODD_NULL
    if not case.records:
        reached = case.site and (case.site.usable or (hopeful and case.site.open))
        return scoring.MX_IMPLICIT if reached else scoring.MX_NONE
    good = [host for host in case.candidates if host.usable or (hopeful and host.open)]
    aliases = sum(bool(host.aliases) for host in good)
    return scoring.mx(usable=len(good), named=len(case.candidates), aliases=aliases)


def _detail(case: Case) -> dict[str, Any]:
    shown = () if case.null else case.hosts or ((case.site,) if case.site else ())
    return {
        "state": _state(case),
        "exchanges": [_exchange(host) for host in shown],
        "usable": sum(host.usable for host in shown),
        "named": 0 if case.null else len(case.candidates),
    }


def _state(case: Case) -> str:
    if not case.mx.determined:
        return "undetermined"
    if not case.mx.answered:
        return _state_without_records(case)
    if case.null:
        return "null"
    if any(host.open for host in case.hosts):
        return "undetermined"
    if not case.usable:
        return "invalid"
    return "valid" if len(case.usable) == len(case.candidates) else "partly valid"


def _state_without_records(case: Case) -> str:
    if not case.mx.absent:
        return "bogus"
    if case.site and (case.site.usable or case.site.open):
        return "implicit" if case.site.usable else "undetermined"
    return "none"


def _exchange(host: Host) -> dict[str, Any]:
    return {
        "exchange": host.name,
        "preferences": list(host.preferences),
        "form": host.form,
        "addresses": [*host.public, *host.private],
        "aliases": list(host.aliases),
        "usable": host.usable,
        "statuses": {seen.rdtype: seen.status for seen in host.lookups},
    }


GRADER = Grader(
    name="mx",
    version=1,
    kinds=tuple(
        sorted(
            (*records.KINDS, *hosts.KINDS, *reach.KINDS, *retired.KINDS),
            key=lambda kind: kind.number,
        )
    ),
    grade=grade,
)
