"""Remarks and their kinds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.grader.core.remark import MAX_ARGUMENT, Level, LookupRef, RemarkKind, shortened

KIND = RemarkKind("X_FOUND", 1, Level.INFO, "{name} has {count}", "RFC 0", "means", "mend")


def test_a_remark() -> None:
    seen = Observation("a.example", "TXT", Status.NODATA)
    remark = KIND(seen, name="a.example", count=3)
    assert remark.text == "a.example has 3"
    assert remark.args == {"name": "a.example", "count": "3"}
    assert remark.lookups == (LookupRef("a.example", "TXT", "resolver", "NODATA"),)


@pytest.mark.parametrize("args", [{}, {"name": "x"}, {"name": "x", "count": 1, "more": 2}])
def test_arguments_are_those_of_the_text(args: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="X_FOUND takes"):
        KIND(**args)


def test_braces_in_an_argument_stay_as_they_are() -> None:
    assert KIND(name="%{i}", count="{x}").text == "%{i} has {x}"


def test_hostile_text_is_escaped() -> None:
    assert shortened("a\x00b\\c\xe9\n") == "a\\000b\\\\c\\233\\010"


def test_long_text_is_cut_and_says_so() -> None:
    shown = shortened("x" * 1000)
    assert len(shown) == MAX_ARGUMENT
    assert shown.endswith("... (1000 characters)")


@given(st.text())
def test_every_text_becomes_short_printable_ascii(text: str) -> None:
    shown = shortened(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= MAX_ARGUMENT
