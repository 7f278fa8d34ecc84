"""The grade of a site's SPF record."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.common.reference.bundle import Reference
from services.grader.core import scoring
from services.grader.core.graders.spf.detail import detail
from services.grader.core.graders.spf.evaluation import evaluate
from services.grader.core.graders.spf.facts import UNKNOWN, Evaluation, State
from services.grader.core.graders.spf.kinds import KINDS
from services.grader.core.graders.spf.rules import RULES
from services.grader.core.remark import Remark, worst_first
from services.grader.core.verdict import Graded, Grader, Section, bracket

BEST, WORST = "-", "+"


def grade(section: Section, reference: Reference) -> Graded:
    """What receivers make of the record when mail claims to come from the site (RFC 7208).
    Remarks stand worst first."""
    view = evaluate(section, reference)
    remarks = worst_first(_remarks(view))
    graded = Graded(_points(view, remarks, BEST), tuple(remarks), detail(view))
    judged = bracket(graded, _cases(view, remarks))
    if judged.undetermined and view.root.state is State.VALID:
        return replace(judged, detail={**judged.detail, "state": State.UNDETERMINED})
    return judged


def _remarks(view: Evaluation) -> Iterator[Remark]:
    for rule in RULES:
        yield from rule(view)


def _points(view: Evaluation, remarks: list[Remark], unknown: str) -> int:
    """`unknown` stands for an ending that depends on the message."""
    ending: str | None = view.root.ending
    if view.root.node.record is None:
        ending = None
    elif view.admits_everyone:
        ending = WORST
    elif ending == UNKNOWN:
        ending = unknown
    return scoring.spf(ending, remarks, takes_mail=view.takes_mail)


def _cases(view: Evaluation, remarks: list[Remark]) -> Iterator[Graded]:
    """The extremes that are left open by what was not observed, or by an ending that depends on
    the message; none where all is known."""
    if unseen := view.unseen:
        for section in _completions(view, unseen):
            case = evaluate(section, view.reference)
            yield from _ends(case, list(_remarks(case)))
    elif view.root.ending == UNKNOWN:
        yield from _ends(view, remarks)


def _ends(view: Evaluation, remarks: list[Remark]) -> Iterator[Graded]:
    for unknown in (BEST, WORST):
        yield Graded(_points(view, remarks, unknown), ())


def _completions(view: Evaluation, unseen: list[Observation]) -> Iterator[Section]:
    """The section with all that was not observed in order (with exists matching everyone, and
    nobody), absent, unusable by DNSSEC, or admitting everyone; with mail servers and without, where
    those were not observed."""
    mx = (view.mx,) if view.mx.determined else (_fine(view.mx), _absent(view.mx))
    tested = {
        seen.question
        for _, outcome in view.outcomes
        for seen in outcome.seen
        if outcome.step.term.name == "exists"
    }

    def quiet(seen: Observation) -> Observation:
        return _absent(seen) if seen.question in tested else _fine(seen)

    for answer, served in product((quiet, _fine, _absent, _bogus, _open), mx):
        yield view.section.assuming(*map(answer, unseen), served)


def _fine(seen: Observation) -> Observation:
    rdata = {"TXT": "v=spf1 -all", "MX": "10 mx.invalid"}.get(seen.rdtype, "192.0.2.1")
    return Observation(seen.name, seen.rdtype, Status.ANSWERED, (rdata,))


def _open(seen: Observation) -> Observation:
    if seen.rdtype == "TXT":
        return Observation(seen.name, seen.rdtype, Status.ANSWERED, ("v=spf1 +all",))
    return _fine(seen)


def _absent(seen: Observation) -> Observation:
    return Observation(seen.name, seen.rdtype, Status.NODATA)


def _bogus(seen: Observation) -> Observation:
    return Observation(seen.name, seen.rdtype, Status.BOGUS)


GRADER = Grader(name="spf", version=1, kinds=KINDS, grade=grade)
