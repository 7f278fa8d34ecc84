"""Every change of a grade has one class and its causes, and the parts add up to the whole."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.grader.core.attribution import (
    UNEXPLAINED,
    Attribution,
    Causes,
    Kind,
    Verdict,
    attribute,
)
from services.grader.core.change import Cause
from tests.unit.grader.core.verdicts import MISSING, verdict, verdicts

NEW_RULES = {"grader_version": 2}
NEW_WORLD = {"grader_version": 2, "evidence_hash": b"b", "finished_at": 2}


def judged_and_new(judged: int | None, new: int | None) -> tuple[Verdict, Verdict]:
    return verdict(judged, **NEW_RULES), verdict(new, **NEW_WORLD)


@pytest.mark.parametrize(
    ("judged", "new", "expected"),
    [
        (80, 80, Attribution(Kind.UNCHANGED, rule=0, world=0)),
        (85, 85, Attribution(Kind.RULE, (Cause.GRADER,), rule=5, world=0)),
        (80, 75, Attribution(Kind.WORLD, (), (Cause.EVIDENCE,), 0, -5)),
        (85, 95, Attribution(Kind.BOTH, (Cause.GRADER,), (Cause.EVIDENCE,), 5, 10)),
        (85, 80, Attribution(Kind.CANCELLED, (Cause.GRADER,), (Cause.EVIDENCE,), 5, -5)),
        (80, None, Attribution(Kind.WORLD, (), (Cause.EVIDENCE,))),
        (None, 80, Attribution(Kind.CANCELLED, (Cause.GRADER,), (Cause.EVIDENCE,))),
    ],
)
def test_a_change_is_split_into_rule_and_world(
    judged: int | None, new: int | None, expected: Attribution
) -> None:
    assert attribute(verdict(80), *judged_and_new(judged, new)) == expected


@pytest.mark.parametrize(
    ("changes", "causes"),
    [
        ({"grader_version": 2}, (Cause.GRADER,)),
        ({"reference_version": 2}, (Cause.REFERENCE,)),
        ({"grader_version": 2, "reference_version": 2}, (Cause.GRADER, Cause.REFERENCE)),
        ({"evidence_hash": b"b"}, (Cause.EVIDENCE,)),
        ({}, (UNEXPLAINED,)),
    ],
)
def test_a_rule_change_has_what_differs_as_cause(
    changes: dict[str, object], causes: Causes
) -> None:
    judged = verdict(70, **changes)
    found = attribute(verdict(80), judged, judged)
    assert found.rule_causes == causes
    assert found.kind is (Kind.UNEXPLAINED if UNEXPLAINED in causes else Kind.RULE)


@pytest.mark.parametrize(
    ("changes", "cause", "kind"),
    [
        ({"evidence_hash": b"b", "finished_at": 2}, Cause.EVIDENCE, Kind.WORLD),
        ({"finished_at": 2}, Cause.TIME, Kind.WORLD),
        ({}, UNEXPLAINED, Kind.UNEXPLAINED),
    ],
)
def test_a_world_change_rests_on_evidence_else_on_time(
    changes: dict[str, object], cause: str, kind: Kind
) -> None:
    found = attribute(verdict(80), verdict(80), verdict(70, **changes))
    assert (found.kind, found.world_causes) == (kind, (cause,))


def test_what_was_missing_was_judged_by_a_grader_that_came_later() -> None:
    judged = verdict(80)
    assert attribute(MISSING, judged, judged) == Attribution(Kind.RULE, (Cause.GRADER,))


def test_a_site_that_failed_lost_its_grade_to_the_world() -> None:
    found = attribute(verdict(80), verdict(80), MISSING)
    assert found == Attribution(Kind.WORLD, (), (Cause.EVIDENCE,))


def test_nothing_is_attributed_where_the_new_rules_fail_on_old_evidence() -> None:
    assert attribute(verdict(80), None, verdict(70)) == Attribution(Kind.UNJUDGED)


@given(st.lists(st.tuples(verdicts(), verdicts(), verdicts())))
def test_sums_close(sites: list[tuple[Verdict, Verdict, Verdict]]) -> None:
    changes = parts = 0
    for old, judged, new in sites:
        found = attribute(old, judged, new)
        if old.points is None or judged.points is None or new.points is None:
            assert found.rule is found.world is None
        else:
            assert found.rule is not None
            assert found.world is not None
            changes += new.points - old.points
            parts += found.rule + found.world
    assert changes == parts


@given(verdicts(), verdicts(), verdicts())
def test_classes_follow_from_which_verdicts_agree(
    old: Verdict, judged: Verdict, new: Verdict
) -> None:
    found = attribute(old, judged, new)
    by_rule, by_world = (
        (one.standing, one.points) != (other.standing, other.points)
        for one, other in pairwise((old, judged, new))
    )
    assert (bool(found.rule_causes), bool(found.world_causes)) == (by_rule, by_world)
    unexplained = UNEXPLAINED in found.rule_causes + found.world_causes
    returned = (old.standing, old.points) == (new.standing, new.points)
    holds = {
        Kind.UNJUDGED: False,
        Kind.UNCHANGED: not by_rule and not by_world,
        Kind.UNEXPLAINED: unexplained,
        Kind.RULE: by_rule and not by_world and not unexplained,
        Kind.WORLD: by_world and not by_rule and not unexplained,
        Kind.CANCELLED: by_rule and by_world and returned and not unexplained,
        Kind.BOTH: by_rule and by_world and not returned and not unexplained,
    }
    assert [kind for kind, so in holds.items() if so] == [found.kind]
