"""Why a grade differs between two runs: because the world changed, or because the rules did.

Three verdicts are compared: what the rules of the first run said of its evidence, what those of the
second run say of that same evidence, and what they say of the second run's evidence. From the first
to the second is the rule change, from the second to the third the world change.
"""

from dataclasses import dataclass
from enum import StrEnum

from services.grader.core.change import Cause


class Standing(StrEnum):
    """What there is of a grade."""

    POINTS = "points"
    WITHHELD = "withheld"
    NOT_APPLICABLE = "not applicable"
    MISSING = "missing"
    """The site failed, or nothing judged it."""


Causes = tuple[str, ...]
"""Each a `Cause`, or `UNEXPLAINED` alone. EVIDENCE of a rule change: the same answers were derived
anew."""
UNEXPLAINED = "unexplained"
"""Nothing that a grade rests on differs: the rules changed without a new version."""


class Kind(StrEnum):
    """Of every comparison exactly one holds; the first that does."""

    UNJUDGED = "unjudged"
    """The new rules could not judge the old evidence: nothing can be attributed."""
    UNCHANGED = "unchanged"
    UNEXPLAINED = "unexplained"
    RULE = "rule"
    WORLD = "world"
    CANCELLED = "cancelled"
    """Rule and world changed it, and it is what it was."""
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A grade as far as a comparison goes. `points` are None unless `standing` is POINTS, the rest
    is None where the grade is missing. `finished_at` is the end of the scan, in any unit."""

    standing: Standing
    points: int | None = None
    grader_version: int | None = None
    reference_version: int | None = None
    evidence_hash: bytes | None = None
    finished_at: int | None = None

    def says_what(self, other: "Verdict") -> bool:
        return (self.standing, self.points) == (other.standing, other.points)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Causes are empty where that part changed nothing. `rule` and `world` are points, None unless
    all three verdicts have some; their sum is what the grade changed by."""

    kind: Kind
    rule_causes: Causes = ()
    world_causes: Causes = ()
    rule: int | None = None
    world: int | None = None


def attribute(old: Verdict, judged: Verdict | None, new: Verdict) -> Attribution:
    """Split the change from `old` to `new`; `judged` is the old evidence under the new rules, None
    where they failed on it."""
    if judged is None:
        return Attribution(Kind.UNJUDGED)
    by_rule = () if old.says_what(judged) else _rule_causes(old, judged)
    by_world = () if judged.says_what(new) else _world_causes(judged, new)
    kind = _kind(by_rule, by_world, same=old.says_what(new))
    if old.points is None or judged.points is None or new.points is None:
        return Attribution(kind, by_rule, by_world)
    rule, world = judged.points - old.points, new.points - judged.points
    return Attribution(kind, by_rule, by_world, rule, world)


def _kind(by_rule: Causes, by_world: Causes, *, same: bool) -> Kind:
    if not by_rule and not by_world:
        return Kind.UNCHANGED
    if UNEXPLAINED in by_rule + by_world:
        return Kind.UNEXPLAINED
    if not by_world:
        return Kind.RULE
    if not by_rule:
        return Kind.WORLD
    return Kind.CANCELLED if same else Kind.BOTH


def _rule_causes(old: Verdict, judged: Verdict) -> Causes:
    if Standing.MISSING in (old.standing, judged.standing):
        return (Cause.GRADER,)
    differing = (
        (Cause.GRADER, old.grader_version != judged.grader_version),
        (Cause.REFERENCE, old.reference_version != judged.reference_version),
        (Cause.EVIDENCE, old.evidence_hash != judged.evidence_hash),
    )
    return tuple(cause for cause, differs in differing if differs) or (UNEXPLAINED,)


def _world_causes(judged: Verdict, new: Verdict) -> Causes:
    if judged.evidence_hash != new.evidence_hash:
        return (Cause.EVIDENCE,)
    if judged.finished_at != new.finished_at:
        return (Cause.TIME,)
    return (UNEXPLAINED,)
