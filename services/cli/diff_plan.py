"""Which graders of two runs can be compared, and which need a shadow regrade for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from services.common.reference.bundle import VERSION as REFERENCE
from services.common.store import diffs, generations
from services.common.store.diffs import Rules
from services.grader.core.catalogue import GRADERS


class NotComparableError(ValueError):
    """The grades of two runs cannot be compared; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One grader of two runs."""

    grader: str
    old: Mapping[Rules, int]
    """What judged the first run's grades, and how many of them."""
    new: Rules
    """What judged the second run's grades."""
    shadow: int | None = None
    """The regrade that judged the first run's evidence by `new`."""
    needs_shadow: bool = False


def plan(connection: Connection, old: int, new: int, wanted: Iterable[str]) -> list[Comparison]:
    """How to compare the wanted graders, else all that judged the second run. Raises
    NotComparableError, and NoWindowError for a first run that left no grade requests."""
    before, after = diffs.rules_of(connection, old), diffs.rules_of(connection, new)
    names = list(dict.fromkeys(wanted)) or sorted(after)
    if not names:
        raise NotComparableError(f"run {new} has no grades")
    found = []
    for name in names:
        rules = uniform(new, name, after.get(name, {}))
        counted = before.get(name, {})
        same_data(old, name, counted, rules)
        shadow, needed = _shadow(connection, old, new, name, counted, rules)
        found.append(Comparison(name, counted, rules, shadow, needed))
    return found


def uniform(run: int, grader: str, counted: Mapping[Rules, int]) -> Rules:
    """The one thing that judged all grades of a grader. Raises NotComparableError."""
    if not counted:
        raise NotComparableError(f"run {run} has no grades of {grader}")
    if len(counted) > 1:
        several = ", ".join(f"{number:,} by {rules}" for rules, number in counted.items())
        raise NotComparableError(
            f"run {run} has {grader} grades by several rules ({several}): make them alike with "
            f"`dnstats regrade {run} --grader {grader}`"
        )
    return next(iter(counted))


def same_data(run: int, grader: str, counted: Mapping[Rules, int], rules: Rules) -> None:
    """Raises NotComparableError where a run was judged with reference data of another name."""
    others = sorted({one.reference_name for one in counted} - {rules.reference_name})
    if others:
        raise NotComparableError(
            f"run {run} has {grader} grades by reference data {others[0]!r}, the other run by "
            f"{rules.reference_name!r}: they are of different worlds"
        )


def is_current(grader: str, rules: Rules) -> bool:
    """Whether this release judges by these rules."""
    known = GRADERS.get(grader)
    return (
        known is not None
        and known.version == rules.grader_version
        and rules.reference_version == REFERENCE
    )


def _shadow(
    connection: Connection,
    old: int,
    new: int,
    grader: str,
    counted: Mapping[Rules, int],
    rules: Rules,
) -> tuple[int | None, bool]:
    """A shadow regrade that there is, and whether one has to be made. Equal rules need none unless
    they judged equal evidence differently."""
    equal = set(counted) == {rules}
    if equal and not diffs.is_suspicious(connection, old, new, grader):
        return None, False
    generation, _ = generations.newest_window(connection, old)
    known = diffs.shadow_of(connection, old, generation, grader, rules)
    if known is not None or (equal and not is_current(grader, rules)):
        return known, False
    if not is_current(grader, rules):
        raise NotComparableError(
            f"run {new} has {grader} grades by {rules}, which is not what this release judges by: "
            f"`dnstats regrade {new} --grader {grader}` first"
        )
    return None, True
