"""Points and letters."""

import pytest

from services.grader.core import scoring
from services.grader.core.graders.spf.kinds.policy import HAS_PTR, PASS_ALL, SOFTFAIL_ALL
from services.grader.core.graders.spf.kinds.selection import NO_SPF_FOUND
from services.grader.core.remark import Remark, RemarkKind


def said(*kinds: RemarkKind) -> list[Remark]:
    return [kind(**dict.fromkeys(kind.parameters, "x")) for kind in kinds]


@pytest.mark.parametrize(
    ("points", "letter"),
    [(100, "A+"), (99, "A"), (93, "A"), (92, "A-"), (90, "A-"), (89, "B+"), (60, "D-"), (59, "F")],
)
def test_letters(points: int, letter: str) -> None:
    assert scoring.letter(points) == letter


def test_every_number_of_points_has_a_letter_and_more_is_never_worse() -> None:
    order = ["F", "D-", "D", "D+", "C-", "C", "C+", "B-", "B", "B+", "A-", "A", "A+"]
    ranks = [order.index(scoring.letter(points)) for points in range(101)]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize(
    ("ending", "points"), [("-", 100), ("~", 75), ("?", 50), ("", 20), ("+", 0)]
)
def test_spf_by_its_ending(ending: str, points: int) -> None:
    assert scoring.spf(ending, [], takes_mail=True) == points


def test_costly_remarks_take_two_points_and_others_none() -> None:
    assert scoring.spf("~", said(HAS_PTR, HAS_PTR, SOFTFAIL_ALL), takes_mail=True) == 71
    assert scoring.spf("", said(*[HAS_PTR] * 20), takes_mail=True) == 0
    assert scoring.spf("+", said(PASS_ALL), takes_mail=False) == 0


@pytest.mark.parametrize(("takes_mail", "points"), [(True, 0), (False, 20)])
def test_a_fatal_remark_is_worth_what_no_record_is_worth(takes_mail: bool, points: int) -> None:
    assert scoring.spf(None, [], takes_mail=takes_mail) == points
    assert scoring.spf("-", said(NO_SPF_FOUND, HAS_PTR), takes_mail=takes_mail) == points
