"""Which questions SPF needs: the tree of records that a receiver may walk (RFC 7208 section 4.6.4).

`nodes` is that tree as far as it is known; scanner and processor ask by it, the grader judges by
it. Names and terms are taken breadth first, so that what is asked never depends on what a later
round finds. The caps lie well beyond the RFC's limit of ten lookups: a record that reaches one is
known to be unusable.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from services.common.dns.lookup import Observation, Question
from services.common.dns.names import BadNameError
from services.common.questions.answers import Answers
from services.common.records.mx import MxRecord, read_mx
from services.common.records.spf import MAX_CACHED, SpfRecord, is_spf, parse
from services.common.records.spf_term import COUNTED, Term

MAX_NODES = 50
"""SPF records looked for, the site's own included."""
MAX_ADDRESSED = 20
"""Terms whose addresses are asked for."""
MAX_EXCHANGES = 10
"""MX records of one `mx` term (section 4.6.4); those beyond are not asked about."""


@dataclass(frozen=True, slots=True)
class Step:
    """A term that a receiver needs DNS for. `target` is the name that it asks about; "" where that
    depends on the message (`dynamic`) or is no domain name (`malformed`)."""

    term: Term
    target: str
    dynamic: bool = False
    malformed: bool = False

    @property
    def leads_on(self) -> bool:
        """Whether another SPF record is meant."""
        return self.term.name in ("include", "redirect")


@dataclass(frozen=True, slots=True)
class Node:
    """One name of the tree. `seen` is None as long as its TXT was not asked; `texts` are its SPF
    records; `record` and `steps` are there where it has exactly one."""

    name: str
    seen: Observation | None
    texts: tuple[str, ...] = ()
    record: SpfRecord | None = None
    steps: tuple[Step, ...] = ()


def wanted(domain: str, known: Answers) -> list[Question]:
    """All questions that judging SPF of `domain` needs, given what is known."""
    tree = nodes(domain, known)
    asked = dict.fromkeys([Question(domain, "TXT"), Question(domain, "MX")])
    asked |= dict.fromkeys(Question(name, "TXT") for name in tree)
    for step in addressed_steps(tree):
        asked |= dict.fromkeys(step_questions(step, known))
    return list(asked)


def nodes(domain: str, known: Answers) -> dict[str, Node]:
    """The tree by name, breadth first, each name once, at most `MAX_NODES`."""
    found: dict[str, Node] = {}
    queue = deque([domain])
    while queue and len(found) < MAX_NODES:
        name = queue.popleft()
        if name not in found:
            found[name] = node = _node(name, known.get(Question(name, "TXT")))
            queue.extend(step.target for step in node.steps if step.leads_on and step.target)
    return found


def addressed_steps(tree: dict[str, Node]) -> list[Step]:
    """The terms whose addresses are asked for, each meaning once."""
    found: dict[tuple[str, str], Step] = {}
    for node in tree.values():
        for step in node.steps:
            if step.target and step.term.name in ("a", "mx", "exists"):
                found.setdefault((step.term.name, step.target), step)
                if len(found) == MAX_ADDRESSED:
                    return list(found.values())
    return list(found.values())


def step_questions(step: Step, known: Answers) -> Iterator[Question]:
    """What a receiver asks to evaluate `a`, `mx` or `exists`."""
    if step.term.name == "a":
        yield from _addresses(step.target)
    elif step.term.name == "exists":
        yield Question(step.target, "A")
    elif step.term.name == "mx":
        question = Question(step.target, "MX")
        yield question
        seen = known.get(question)
        for host in exchanges(seen.rdata)[:MAX_EXCHANGES] if seen else ():
            yield from _addresses(host)


def exchanges(rdata: tuple[str, ...]) -> list[str]:
    """The hosts of MX records, best preference first, each once; none for a null MX."""
    return list(dict.fromkeys(record.exchange for record in mx_records(rdata)))


def mx_records(rdata: tuple[str, ...]) -> list[MxRecord]:
    """MX records that name a host, best preference first."""
    return [record for record in read_mx(rdata) if not record.null]


def _addresses(name: str) -> tuple[Question, Question]:
    return Question(name, "A"), Question(name, "AAAA")


def _node(name: str, seen: Observation | None) -> Node:
    if seen is None or not seen.answered:
        return Node(name, seen)
    texts = tuple(text for text in seen.rdata if is_spf(text))
    if len(texts) != 1:
        return Node(name, seen, texts)
    record = parse(texts[0])
    steps = _cached_steps if len(texts[0]) <= MAX_CACHED else _steps
    return Node(name, seen, texts, record, steps(name, texts[0]))


def _steps(name: str, text: str) -> tuple[Step, ...]:
    return tuple(_step(name, term) for term in parse(text).effective if term.name in COUNTED)


_cached_steps = lru_cache(maxsize=16_384)(_steps)


def _step(name: str, term: Term) -> Step:
    if term.spec is None:
        return Step(term, name)
    if not term.spec.static:
        return Step(term, "", dynamic=True)
    try:
        return Step(term, term.spec.expand(name))
    except BadNameError:
        return Step(term, "", malformed=True)
