"""How many addresses a record admits, all that it includes counted."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from services.common.records.spf import parse
from services.common.records.spf_network import Network, read_ip4, read_ip6
from services.common.records.spf_term import Mechanism
from services.grader.core.graders.spf.facts import PASS, Outcome, Verdict

Span = tuple[int, int, int]
"""IP version, first and last address."""


def authorised(root: Verdict) -> dict[int, int]:
    """The number of distinct addresses, by IP version, that some term with qualifier "+" lists."""
    return _counted(sorted({span for verdict in _passing(root) for span in _listed(verdict)}))


def _passing(root: Verdict) -> list[Verdict]:
    """The records whose passes pass the site: its own and what "+include" and redirect add."""
    found = {root.name}
    for verdict in (queue := [root]):
        for outcome in verdict.outcomes:
            term, child = outcome.step.term, outcome.child
            passes = not isinstance(term, Mechanism) or term.qualifier == PASS
            if child and passes and child.name not in found:
                found.add(child.name)
                queue.append(child)
    return queue


def _counted(spans: Iterable[Span]) -> dict[int, int]:
    counts = {4: 0, 6: 0}
    reached = (0, -1)
    for version, first, last in spans:
        if version != reached[0]:
            reached = (version, -1)
        if last > reached[1]:
            counts[version] += last - max(first - 1, reached[1])
            reached = (version, last)
    return counts


def _listed(verdict: Verdict) -> Iterator[Span]:
    if verdict.node.record:
        yield from _written(verdict.node.record.text)
    for outcome in verdict.outcomes:
        term = outcome.step.term
        if isinstance(term, Mechanism) and term.name in ("a", "mx") and term.qualifier == PASS:
            yield from _resolved(term, outcome)


@lru_cache(maxsize=1024)
def _written(text: str) -> tuple[Span, ...]:
    networks = (
        term.network
        for term in parse(text).effective
        if isinstance(term, Mechanism) and term.network and term.qualifier == PASS
    )
    return tuple((network.version, network.first, network.last) for network in networks)


def _resolved(term: Mechanism, outcome: Outcome) -> Iterator[Span]:
    """The addresses found for an a or mx mechanism, widened by its dual-cidr."""
    for seen in outcome.seen:
        for text in seen.rdata:
            if network := _network(seen.rdtype, text, term):
                yield network.version, network.first, network.last


def _network(rdtype: str, text: str, term: Mechanism) -> Network | None:
    if rdtype == "A" and (value := read_ip4(text)) is not None:
        return Network(4, value, term.prefix4)
    if rdtype == "AAAA" and (value := read_ip6(text)) is not None:
        return Network(6, value, term.prefix6)
    return None
