"""What a run will cost the DNS, told before it starts."""

from collections.abc import Iterable
from dataclasses import dataclass

QUESTIONS_PER_SITE = 30
"""Before sharing; the mean of an earlier run replaces it."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Operator:
    name: str
    questions: int
    hours: float


@dataclass(frozen=True, slots=True)
class Estimate:
    sites: int
    questions: int
    hours: float
    """The longest of the overall rate's time and the slowest operator's."""
    slowest: tuple[Operator, ...]
    """Operators whose limit costs most time, longest first; empty without an earlier run."""


def estimate(
    sites: int,
    per_site: float,
    operators: Iterable[tuple[str, int]],
    overall_rate: float,
    operator_rate: float,
) -> Estimate:
    """`operators` are names and their number of sites; rates are questions a second."""
    questions = round(sites * per_site)
    slowest = sorted(
        (
            Operator(name, round(count * per_site), count * per_site / operator_rate / 3600)
            for name, count in operators
        ),
        key=lambda operator: (-operator.questions, operator.name),
    )[:SHOWN]
    hours = max([questions / overall_rate / 3600, *(operator.hours for operator in slowest)])
    return Estimate(sites, questions, hours, tuple(slowest))


def in_words(cost: Estimate) -> str:
    """One line for each thing that a reader of a mail or a terminal wants to know."""
    lines = [f"about {cost.questions:,} questions in at least {duration(cost.hours * 3600)}"]
    lines += [
        f"slowest: {operator.name}, {operator.questions:,} questions, "
        f"{duration(operator.hours * 3600)}"
        for operator in cost.slowest
    ]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """`seconds` as people say it: 3.2 s, 5 min 10 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
