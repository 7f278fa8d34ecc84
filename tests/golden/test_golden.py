"""Every golden case gives its grade, and every remark kind has a case that emits it."""

import pytest

from services.grader.core.catalogue import GRADERS
from tests.golden.case import Case, all_cases, in_order, shown

CASES = all_cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.grader}/{case.path.stem}")
def test_grade_is_the_expected_one(case: Case) -> None:
    expected = {"remarks": [], "detail": {}} | case.expected
    expected["remarks"] = sorted(expected["remarks"], key=in_order)
    assert shown(case.grade(), expected["detail"]) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.grader}/{case.path.stem}")
def test_everything_listed_is_asked_for(case: Case) -> None:
    assert case.listed.keys() - case.section.observations.keys() == set()


@pytest.mark.parametrize("name", GRADERS)
def test_every_living_kind_is_emitted_by_some_case(name: str) -> None:
    emitted = {r.kind.tag for case in CASES if case.grader == name for r in case.grade().remarks}
    living = {kind.tag for kind in GRADERS[name].kinds if not kind.retired}
    assert living - emitted == set()
