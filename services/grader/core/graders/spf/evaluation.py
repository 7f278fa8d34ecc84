"""Static evaluation of an SPF record and all that it leads to (RFC 7208 section 4).

A receiver stops at the first term that matches; here no sender is given, so every term is taken as
evaluated and not matching: the most that the record can cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.common.questions.spf import (
    MAX_EXCHANGES,
    Node,
    Step,
    mx_records,
    nodes,
    step_questions,
)
from services.common.records.spf import SpfRecord
from services.common.records.spf_term import Modifier
from services.common.reference.bundle import Reference
from services.grader.core.graders.spf.authorised import authorised
from services.grader.core.graders.spf.facts import (
    UNKNOWN,
    Evaluation,
    Outcome,
    State,
    Verdict,
)
from services.grader.core.verdict import Section

MAX_LOOKUPS = 10
MAX_VOIDS = 2


def evaluate(section: Section, reference: Reference) -> Evaluation:
    """The site's record and every one below it, each evaluated once."""
    walk = _Walk(section, nodes(section.domain, section.observations))
    root = walk.verdict(section.domain)
    found = {name: walk.done[name] for name in walk.nodes if name in walk.done}
    return Evaluation(section, reference, found, authorised(root))


@dataclass
class _Walk:
    """Depth first, as receivers go, so that a circle shows as a name on the present path."""

    section: Section
    nodes: Mapping[str, Node]
    done: dict[str, Verdict] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)

    def verdict(self, name: str) -> Verdict:
        if name not in self.done:
            self.path.append(name)
            self.done[name] = self._judge(self.nodes.get(name) or Node(name, None))
            self.path.pop()
        return self.done[name]

    def _judge(self, node: Node) -> Verdict:
        if node.record is None:
            return Verdict(node, _state_without_record(node))
        outcomes = tuple(self._outcome(step) for step in node.steps)
        lookups = sum(outcome.lookups for outcome in outcomes)
        voids = sum(outcome.voids for outcome in outcomes)
        failure = _failure(node, outcomes, lookups, voids)
        state = State.INVALID if failure else State.VALID
        ending = _ending(node.record, outcomes)
        return Verdict(node, state, outcomes, lookups, voids, ending, failure)

    def _outcome(self, step: Step) -> Outcome:
        if not step.target or step.term.name == "ptr":
            return Outcome(step, lookups=1)
        if step.leads_on:
            return self._followed(step)
        known = self.section.observations
        seen = tuple(
            known.get(asked) or self.section.get(*asked) for asked in step_questions(step, known)
        )
        decisive = seen[:1] if step.term.name == "mx" else seen
        empty = all(one.absent for one in decisive)
        failure = _address_failure(step, decisive)
        return Outcome(step, seen, None, 1, int(empty), failure, (), empty)

    def _followed(self, step: Step) -> Outcome:
        """include and redirect."""
        seen = self.section.get(step.target, "TXT")
        if step.target in self.path:
            loop = (*self.path[self.path.index(step.target) :], step.target)
            reason = f"the record of {step.target} leads back to itself"
            return Outcome(step, (seen,), lookups=1, failure=reason, loop=loop)
        child = self.verdict(step.target)
        voids = int(seen.absent) + child.voids
        failure = _child_failure(child)
        return Outcome(step, (seen,), child, 1 + child.lookups, voids, failure, (), seen.absent)


def _state_without_record(node: Node) -> State:
    if node.texts:
        return State.MULTIPLE
    if node.seen is None or not node.seen.determined:
        return State.UNDETERMINED
    return State.BOGUS if node.seen.status is Status.BOGUS else State.NONE


def _failure(node: Node, outcomes: Sequence[Outcome], lookups: int, voids: int) -> str:
    """The first reason for which a receiver gives up on the record, or ""."""
    if node.record and node.record.faults:
        return f"the record of {node.name} has a syntax error"
    for outcome in outcomes:
        if outcome.failure:
            return outcome.failure
    if lookups > MAX_LOOKUPS:
        return f"the record of {node.name} takes {lookups} DNS lookups"
    if voids > MAX_VOIDS:
        return f"{voids} terms below the record of {node.name} find nothing in DNS"
    return ""


def _child_failure(child: Verdict) -> str:
    if child.state is State.NONE:
        return f"{child.name} has no SPF record"
    if child.state is State.MULTIPLE:
        return f"{child.name} has {len(child.node.texts)} SPF records"
    if child.state is State.BOGUS:
        return _not_validated("TXT", child.name)
    return child.failure


def _address_failure(step: Step, decisive: Sequence[Observation]) -> str:
    for seen in decisive:
        if seen.status is Status.BOGUS:
            return _not_validated(seen.rdtype, seen.name)
    if step.term.name == "mx" and len(mx_records(decisive[0].rdata)) > MAX_EXCHANGES:
        return f"{step.target} has more than {MAX_EXCHANGES} mail servers"
    return ""


def _not_validated(rdtype: str, name: str) -> str:
    return f"the {rdtype} records of {name} fail DNSSEC validation"


def _ending(record: SpfRecord, outcomes: Sequence[Outcome]) -> str:
    """The qualifier of the first term that matches every server; for redirect, which comes last,
    the ending of what it leads to."""
    for outcome in outcomes:
        term = outcome.step.term
        if isinstance(term, Modifier):
            return _redirected(outcome)
        if outcome.matches_everyone:
            return term.qualifier
    return record.all.qualifier if record.all else ""


def _redirected(outcome: Outcome) -> str:
    child = outcome.child
    if outcome.step.dynamic or (child and child.state is State.UNDETERMINED):
        return UNKNOWN
    return child.ending if child else ""
