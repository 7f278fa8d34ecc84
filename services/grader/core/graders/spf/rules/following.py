"""Rules about what the terms lead to, and the limits of following them."""

from collections.abc import Iterator

from services.common.dns.status import Status
from services.common.questions.spf import MAX_EXCHANGES, mx_records
from services.common.reference.suffixes import registrable
from services.grader.core.graders.spf.evaluation import MAX_LOOKUPS, MAX_VOIDS
from services.grader.core.graders.spf.facts import Evaluation, Outcome, State, Verdict
from services.grader.core.graders.spf.kinds import following as kinds
from services.grader.core.remark import Remark

NEAR = 8


def lookup_limit(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 4.6.4: at most ten terms that need lookups, all records together."""
    count, seen = view.root.lookups, view.txt(view.root)
    if count > MAX_LOOKUPS:
        yield kinds.TOO_MANY_DNS_LOOKUPS(seen, name=seen.name, count=count, limit=MAX_LOOKUPS)
    elif count >= NEAR:
        yield kinds.NEAR_LOOKUP_LIMIT(seen, name=seen.name, count=count, limit=MAX_LOOKUPS)


def void_limit(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 4.6.4: at most two terms that find nothing."""
    if view.root.voids > MAX_VOIDS:
        empty = [(outcome, outcome.seen) for _, outcome in view.outcomes if outcome.empty]
        terms = dict.fromkeys(outcome.step.term.text for outcome, _ in empty)
        yield kinds.TOO_MANY_VOID_LOOKUPS(
            *(one for _, seen in empty for one in seen),
            name=view.section.domain,
            count=view.root.voids,
            limit=MAX_VOIDS,
            terms=" ".join(terms),
        )


def too_many_hosts(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 4.6.4: one mx mechanism may lead to ten hosts."""
    for verdict, outcome in _of(view, "mx"):
        count = len(mx_records(outcome.seen[0].rdata))
        if count > MAX_EXCHANGES:
            yield kinds.TOO_MANY_MX_RECORDS_RETURNED(
                outcome.seen[0],
                **_where(verdict, outcome),
                target=outcome.step.target,
                count=count,
                limit=MAX_EXCHANGES,
            )


def empty_mx(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 5.4: without mail servers an mx mechanism matches nothing."""
    for verdict, outcome in _of(view, "mx"):
        if outcome.empty and outcome.step.target == verdict.name:
            yield kinds.NO_MX_RECORDS(outcome.seen[0], **_where(verdict, outcome))
        elif outcome.empty:
            yield kinds.NO_MX_RECORDS_IN_MECHANISM(
                outcome.seen[0], **_where(verdict, outcome), target=outcome.step.target
            )


def empty_addresses(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 sections 5.3 and 5.7: without an address the mechanism matches nothing."""
    for verdict, outcome in _of(view, "a", "exists"):
        if outcome.empty:
            yield kinds.NO_A_RECORDS_IN_MECHANISM(
                *outcome.seen, **_where(verdict, outcome), target=outcome.step.target
            )


def included_records(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 5.2: where the target has no single good record, include is an error."""
    for verdict, outcome in _of(view, "include"):
        if child := outcome.child:
            where, target = _where(verdict, outcome), outcome.step.target
            if child.state is State.NONE and outcome.seen[0].status is Status.NXDOMAIN:
                yield kinds.INCLUDE_NOT_EXISTING(*outcome.seen, **where, target=target)
            elif child.state is State.NONE:
                yield kinds.INCLUDE_WITHOUT_RECORD(*outcome.seen, **where, target=target)
            elif child.state is State.MULTIPLE:
                count = len(child.node.texts)
                yield kinds.INCLUDE_RETURNED_MANY_SPF(
                    *outcome.seen, **where, target=target, count=count
                )
            elif child.state is State.INVALID:
                yield kinds.TARGET_PERMERROR(*outcome.seen, **where, reason=child.failure)


def redirected_records(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 6.1: where the target has no single good record, redirect is an error."""
    for verdict, outcome in _of(view, "redirect"):
        if child := outcome.child:
            name, target = verdict.name, outcome.step.target
            if child.state is State.NONE:
                yield kinds.NO_RECORD_AT_REDIRECT(*outcome.seen, name=name, target=target)
            elif child.state is State.MULTIPLE:
                count = len(child.node.texts)
                yield kinds.REDIRECT_RETURNED_MANY_SPF(
                    *outcome.seen, name=name, target=target, count=count
                )
            elif child.state is State.INVALID:
                where = _where(verdict, outcome)
                yield kinds.TARGET_PERMERROR(*outcome.seen, **where, reason=child.failure)


def circles(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 4.6.4: a circle ends at the lookup limit only."""
    for verdict, outcome in view.outcomes:
        if len(outcome.loop) == 2:
            yield kinds.INCLUDE_SELF(*outcome.seen, **_where(verdict, outcome))
        elif outcome.loop:
            path = " > ".join(outcome.loop)
            yield kinds.LOOP(*outcome.seen, **_where(verdict, outcome), path=path)


def unregistered_targets(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 5: the owner of a target decides. The name of the target does not exist,
    and the proof comes from the public suffix: there is no such registration."""
    for verdict, outcome in view.outcomes:
        for seen in outcome.decisive[:1]:
            suffix = view.reference.public_suffix
            proven = seen.status is Status.NXDOMAIN and seen.zone
            if proven and seen.zone == suffix(seen.name):
                domain = registrable(seen.name, suffix)
                yield kinds.TARGET_UNREGISTERED(seen, **_where(verdict, outcome), domain=domain)


def malformed_targets(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 4.8: what receivers do with an impossible name is not defined."""
    for verdict, outcome in view.outcomes:
        if outcome.step.malformed:
            yield kinds.MALFORMED_TARGET(view.txt(verdict), **_where(verdict, outcome))


def macros(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 7: macros of sender, HELO and address differ from message to message."""
    for verdict, outcome in view.outcomes:
        if outcome.step.dynamic:
            yield kinds.MACRO(view.txt(verdict), **_where(verdict, outcome))


def _of(view: Evaluation, *names: str) -> Iterator[tuple[Verdict, Outcome]]:
    """The terms of these names that have a target."""
    for verdict, outcome in view.outcomes:
        if outcome.step.term.name in names and outcome.step.target:
            yield verdict, outcome


def _where(verdict: Verdict, outcome: Outcome) -> dict[str, str]:
    return {"name": verdict.name, "term": outcome.step.term.text}


RULES = (
    lookup_limit,
    void_limit,
    too_many_hosts,
    empty_mx,
    empty_addresses,
    included_records,
    redirected_records,
    circles,
    unregistered_targets,
    malformed_targets,
    macros,
)
