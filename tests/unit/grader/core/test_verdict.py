"""Sections, and grades in view of what was not observed."""

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.grader.core.verdict import Graded, Section, bracket

SEEN = Observation("a.example", "A", Status.ANSWERED, ("192.0.2.1",))


def test_a_section_answers_for_what_it_has_only() -> None:
    section = Section("a.example", 0, {SEEN.question: SEEN})
    assert section.get("a.example", "A") is SEEN
    missing = section.get("a.example", "MX")
    assert missing.status is Status.NOT_ASKED
    assert not missing.determined


def test_assuming_leaves_the_section_as_it_was() -> None:
    section = Section("a.example", 0, {SEEN.question: SEEN})
    absent = Observation("a.example", "A", Status.NODATA)
    assert section.assuming(absent).get("a.example", "A") is absent
    assert section.get("a.example", "A") is SEEN


def test_equal_cases_keep_the_grade() -> None:
    graded = Graded(50, ())
    assert bracket(graded, [Graded(50, ()), Graded(50, ())]) is graded
    assert bracket(graded, []) is graded


def test_different_cases_withhold_it_with_their_range() -> None:
    graded = Graded(50, (), {"state": "valid"})
    withheld = bracket(graded, [Graded(70, ()), Graded(20, ()), Graded(50, ())])
    assert withheld.points is None
    assert withheld.undetermined
    assert withheld.detail == {"state": "valid", "points_range": [20, 70]}


def test_cases_that_agree_on_something_else_withhold_it_too() -> None:
    assert bracket(Graded(50, ()), [Graded(20, ())]).points is None
