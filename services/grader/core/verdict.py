"""What a grader says of one site, and how it says so where something could not be observed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from services.common.dns.lookup import Observation, Question
from services.common.dns.status import Status
from services.common.reference.bundle import Reference
from services.grader.core.remark import Remark, RemarkKind

EXTREMES = frozenset({0, 100})
"""The fewest and the most points."""


@dataclass(frozen=True)
class Section:
    """What one grader may look at. `observed_at` is microseconds since the epoch."""

    domain: str
    observed_at: int
    observations: Mapping[Question, Observation]

    def get(self, name: str, rdtype: str) -> Observation:
        """The observation, or one that says NOT_ASKED."""
        question = Question(name, rdtype)
        return self.observations.get(question) or Observation(
            name, rdtype, Status.NOT_ASKED, reason="not in the section"
        )

    def assuming(self, *observations: Observation) -> "Section":
        """The section as it would be had these been observed."""
        changed = {seen.question: seen for seen in observations}
        return replace(self, observations={**self.observations, **changed})


@dataclass(frozen=True)
class Graded:
    """A grader's verdict.

    `points` are 0 to 100, or None where the grade is withheld (`undetermined`) or the grader does
    not apply (`applicable` is false: an optional mechanism that is not deployed, for example).
    `detail` is JSON: state, record used, parsed terms, effective policy, counts.
    """

    points: int | None
    remarks: tuple[Remark, ...]
    detail: Mapping[str, Any] = field(default_factory=dict)
    undetermined: bool = False
    applicable: bool = True


@dataclass(frozen=True)
class Grader:
    """A grader as services and commands see it. A change that can alter any grade raises
    `version`."""

    name: str
    version: int
    kinds: tuple[RemarkKind, ...]
    grade: Callable[[Section, Reference], Graded]


def bracket(graded: Graded, cases: Iterable[Graded]) -> Graded:
    """`graded` if every case that the unobserved leaves open has the same points, else withheld
    with the range (`points_range`) in its detail. Cases are taken one by one, and no more of them
    once the range is as wide as points go."""
    possible: set[int] = set()
    for case in cases:
        if case.points is not None:
            possible.add(case.points)
        if possible >= EXTREMES:
            break
    if possible <= {graded.points}:
        return graded
    detail = {**graded.detail, "points_range": [min(possible), max(possible)]}
    return replace(graded, points=None, undetermined=True, detail=detail)
