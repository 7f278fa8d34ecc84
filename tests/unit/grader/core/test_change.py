"""What is different between two grades, and which of them is newer."""

from dataclasses import dataclass, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.grader.core.change import Cause, Change, Said, change, replaces


@dataclass(frozen=True)
class Grade:
    points: int | None = 80
    letter: str | None = "B-"
    undetermined: bool = False
    applicable: bool = True
    grader_version: int = 2
    reference_version: int = 2
    reference_name: str = "public"
    evidence_hash: bytes = b"one"
    finished_at: int = 1000
    scan_id: str = "b"
    processor_version: int = 2
    said: tuple[Said, ...] = (("SPF_A", {"term": "ptr"}), ("SPF_B", {}))


ONE = Grade()


def test_equal_grades_changed_nothing_whatever_made_them() -> None:
    other = replace(ONE, grader_version=3, evidence_hash=b"other", finished_at=5)
    assert change(ONE, other) is None
    assert change(ONE, replace(ONE, said=ONE.said[::-1])) is None


@pytest.mark.parametrize(
    "new",
    [
        replace(ONE, points=79),
        replace(ONE, points=None, letter=None, undetermined=True),
        replace(ONE, applicable=False),
        replace(ONE, letter="B"),
    ],
)
def test_another_verdict_is_a_change_without_remarks(new: Grade) -> None:
    assert change(ONE, new) == Change((), (), (), ())


def test_where_no_grade_was_all_remarks_are_gained_and_there_is_no_cause() -> None:
    assert change(None, ONE) == Change(("SPF_A", "SPF_B"), (), (), ())
    assert change(None, replace(ONE, said=())) == Change((), (), (), ())


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((("SPF_A", {"term": "ptr"}),), ((), ("SPF_B",), ())),
        ((*ONE.said, ("SPF_B", {})), (("SPF_B",), (), ())),
        ((("SPF_A", {"term": "mx"}), ("SPF_B", {})), ((), (), ("SPF_A",))),
        (
            (("SPF_A", {"term": "mx"}), ("SPF_A", {"term": "a"}), ("SPF_C", {})),
            (("SPF_A", "SPF_C"), ("SPF_B",), ("SPF_A",)),
        ),
        ((), ((), ("SPF_A", "SPF_B"), ())),
    ],
    ids=["lost", "said twice", "reworded", "some of each", "all lost"],
)
def test_remarks_are_gained_lost_and_reworded(
    said: tuple[Said, ...], expected: tuple[tuple[str, ...], ...]
) -> None:
    found = change(ONE, replace(ONE, said=said))
    assert found is not None
    assert (found.gained, found.lost, found.reworded) == expected


@pytest.mark.parametrize(
    ("differs", "cause"),
    [
        ({"evidence_hash": b"two"}, Cause.EVIDENCE),
        ({"grader_version": 1}, Cause.GRADER),
        ({"reference_version": 3}, Cause.REFERENCE),
        ({"reference_name": "world"}, Cause.REFERENCE),
        ({"finished_at": 1001}, Cause.TIME),
    ],
)
def test_what_a_grade_rests_on_and_differs_is_a_cause(
    differs: dict[str, object], cause: Cause
) -> None:
    found = change(ONE, replace(ONE, points=1, **differs))  # type: ignore[arg-type]
    assert found is not None
    assert found.causes == (cause,)


def test_every_cause_is_named() -> None:
    new = Grade(
        points=1, grader_version=3, reference_version=3, evidence_hash=b"two", finished_at=2000
    )
    found = change(ONE, new)
    assert found is not None
    assert found.causes == tuple(Cause)


ORDERED = ("finished_at", "scan_id", "processor_version", "grader_version", "reference_version")
GRADES = [
    Grade(None, None, True, True, grader, reference, "public", b"", at, scan, processor, ())
    for at, scan, processor, grader, reference in product((1, 2), "ab", (1, 2), (1, 2), (1, 2))
]


@given(new=st.sampled_from(GRADES), old=st.sampled_from(GRADES))
def test_newer_wins_as_it_does_in_the_store(new: Grade, old: Grade) -> None:
    orders = [tuple(getattr(grade, name) for name in ORDERED) for grade in (new, old)]
    assert replaces(new, old, force=False) == (orders[0] >= orders[1])
    assert replaces(new, old, force=True) == (orders[0][:2] >= orders[1][:2])


REMARKS = st.lists(
    st.tuples(st.sampled_from("ABC"), st.dictionaries(st.just("term"), st.sampled_from("xy"))),
    max_size=8,
)


@given(old=REMARKS, new=REMARKS)
def test_gained_and_lost_are_the_difference_in_number(old: list[Said], new: list[Said]) -> None:
    found = change(replace(ONE, said=tuple(old)), replace(ONE, said=tuple(new)))
    gained, lost = (found.gained, found.lost) if found else ((), ())
    for tag in "ABC":
        number = [[said for said, _ in remarks].count(tag) for remarks in (old, new)]
        assert number[0] + gained.count(tag) - lost.count(tag) == number[1]
        assert not (tag in gained and tag in lost)
