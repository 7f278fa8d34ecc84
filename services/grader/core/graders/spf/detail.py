"""What was understood of a site's SPF, as JSON."""

from typing import Any

from services.common.records.spf_term import Mechanism, Term
from services.grader.core.graders.spf.facts import Evaluation, Outcome, Verdict


def detail(view: Evaluation) -> dict[str, Any]:
    root, used = view.root, view.chain[-1]
    record = root.node.record
    return {
        "state": root.state,
        "record": record and record.text,
        "location": root.name if record else None,
        "terms": [_term(term) for term in record.terms] if record else [],
        "all": root.ending or None,
        "all_at": used.name if record else None,
        "lookups": root.lookups,
        "void_lookups": root.voids,
        "addresses": {"ipv4": view.addresses[4], "ipv6": view.addresses[6]},
        "includes": _includes(view),
        "failure": root.failure or None,
        "tree": _tree(root, set()),
    }


def _term(term: Term) -> dict[str, str]:
    if isinstance(term, Mechanism):
        return {"text": term.text, "mechanism": term.name, "qualifier": term.qualifier}
    return {"text": term.text, "modifier": term.name}


def _includes(view: Evaluation) -> list[str]:
    """The names of all records that the site's own leads to."""
    return [name for name in view.verdicts if name != view.section.domain]


def _tree(verdict: Verdict, shown: set[str]) -> dict[str, Any]:
    """A record with its terms; one met before is named only, as trees may repeat without end."""
    name = verdict.name
    if name in shown:
        return {"name": name, "repeated": True, "lookups": verdict.lookups}
    shown.add(name)
    return {
        "name": name,
        "state": verdict.state,
        "record": verdict.node.record.text if verdict.node.record else None,
        "lookups": verdict.lookups,
        "void_lookups": verdict.voids,
        "terms": [_branch(outcome, shown) for outcome in verdict.outcomes],
    }


def _branch(outcome: Outcome, shown: set[str]) -> dict[str, Any]:
    branch: dict[str, Any] = {
        "term": outcome.step.term.text,
        "lookups": outcome.lookups,
        "found": [one.status for one in outcome.decisive],
    }
    if outcome.failure:
        branch["failure"] = outcome.failure
    if outcome.child:
        branch["tree"] = _tree(outcome.child, shown)
    return branch
