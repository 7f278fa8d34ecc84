"""What is known of a site's SPF once it is evaluated: the values that rules look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.common.questions.spf import Node, Step, exchanges
from services.common.records.spf_network import BITS
from services.common.reference.bundle import Reference
from services.grader.core.verdict import Section

PASS = "+"  # noqa: S105  # a qualifier, no password
UNKNOWN = "unknown"


class State(StrEnum):
    """What a receiver makes of the SPF records of one name."""

    VALID = "valid"
    INVALID = "invalid"
    MULTIPLE = "multiple"
    NONE = "none"
    BOGUS = "bogus"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One term that needs DNS, evaluated. `seen` are the lookups that it rests on, for mx the
    hosts' addresses after the first. `lookups` and `voids` count the term and all below it;
    `failure` says why a receiver gives up here, or is ""; `loop` names the records of a circle."""

    step: Step
    seen: tuple[Observation, ...] = ()
    child: "Verdict | None" = None
    lookups: int = 0
    voids: int = 0
    failure: str = ""
    loop: tuple[str, ...] = ()

    empty: bool = False
    """A void lookup (RFC 7208 section 4.6.4): for `a`, neither kind of address exists."""

    @property
    def decisive(self) -> tuple[Observation, ...]:
        """The lookups that can change the grade: an mx host without address is void for nobody."""
        return self.seen[:1] if self.step.term.name == "mx" else self.seen

    @property
    def matches_everyone(self) -> bool:
        """An include whose record passes everyone, or an exists that finds its fixed name."""
        if self.step.term.name == "exists":
            return any(one.answered for one in self.seen)
        return self.child is not None and self.child.passes_everyone


@dataclass(frozen=True, slots=True)
class Verdict:
    """One record evaluated. `ending` is the qualifier for servers that no term lists: one of
    "-~?+", "" where the record says nothing, or `UNKNOWN`."""

    node: Node
    state: State
    outcomes: tuple[Outcome, ...] = ()
    lookups: int = 0
    voids: int = 0
    ending: str = ""
    failure: str = ""

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def passes_everyone(self) -> bool:
        return self.state is State.VALID and self.ending == PASS

    @property
    def redirect(self) -> Outcome | None:
        """It comes last and only where there is no `all`."""
        last = self.outcomes[-1] if self.outcomes else None
        return last if last and last.step.term.name == "redirect" else None


@dataclass(frozen=True)
class Evaluation:
    """`verdicts` by name, the site's first; `addresses` are how many distinct ones are admitted,
    by IP version."""

    section: Section
    reference: Reference
    verdicts: Mapping[str, Verdict]
    addresses: Mapping[int, int]

    @property
    def root(self) -> Verdict:
        return self.verdicts[self.section.domain]

    @cached_property
    def chain(self) -> tuple[Verdict, ...]:
        """The site's verdict and those that redirect leads to: the records that act as its own."""
        chain = [self.root]
        while (outcome := chain[-1].redirect) and outcome.child:
            chain.append(outcome.child)
        return tuple(chain)

    @cached_property
    def outcomes(self) -> tuple[tuple[Verdict, Outcome], ...]:
        """Every term of the tree that needs DNS, with the record that it stands in."""
        return tuple(
            (verdict, outcome) for verdict in self.verdicts.values() for outcome in verdict.outcomes
        )

    @property
    def mx(self) -> Observation:
        return self.section.get(self.section.domain, "MX")

    @property
    def takes_mail(self) -> bool:
        """Whether other servers would try to deliver mail to the site."""
        return self.mx.status is Status.BOGUS or bool(exchanges(self.mx.rdata))

    @property
    def admits_everyone(self) -> bool:
        """Whether every address of one IP version is listed, all or no all."""
        return any(count == 1 << BITS[version] for version, count in self.addresses.items())

    @property
    def says_null(self) -> bool:
        """Whether the record is valid, and `-all` and nothing else."""
        record = self.root.node.record
        alone = record is not None and record.terms == (record.all,)
        return alone and self.root.state is State.VALID and self.root.ending == "-"

    def txt(self, verdict: Verdict) -> Observation:
        return self.section.get(verdict.name, "TXT")

    @cached_property
    def followed(self) -> tuple[Observation, ...]:
        """The lookups of the tree that can change the grade, each once."""
        seen = [self.txt(verdict) for verdict in self.verdicts.values()]
        for _, outcome in self.outcomes:
            if not outcome.step.leads_on:
                seen += outcome.decisive
        return tuple({one.question: one for one in seen}.values())

    @property
    def unseen(self) -> list[Observation]:
        """What points rest on and was not observed; the site's MX is among it only where there is
        no usable record."""
        missing = [seen for seen in self.followed if not seen.determined]
        if self.root.state is not State.VALID and not self.mx.determined and self.mx not in missing:
            missing.append(self.mx)
        return missing
