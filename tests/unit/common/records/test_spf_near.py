"""TXT records that were meant to be SPF."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.records.spf import is_spf
from services.common.records.spf_near import is_sender_id, near_miss


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" v=spf1 -all", "it begins with a space"),
        ("\tv=spf1 -all", "it begins with a tab"),
        ('"v=spf1 -all"', "it begins with a quotation mark"),
        ("\xef\xbb\xbfv=spf1 -all", "it begins with a stray character"),
        ("v=spf1; a", "v=spf1 is not followed by a space"),
        ("v=spf10 a", "v=spf1 is not followed by a space"),
        ("v=spf1-all", "v=spf1 is not followed by a space"),
        ("v=spf2 a", "it does not begin with v=spf1"),
        ("v = spf1 a", "it does not begin with v=spf1"),
        ("spf1 a", "it does not begin with v=spf1"),
        ("v:spf1 a", "it does not begin with v=spf1"),
    ],
)
def test_near_misses(text: str, reason: str) -> None:
    assert near_miss(text) == reason


@pytest.mark.parametrize(
    "text",
    ["", "v=spf1 -all", "v=DMARC1; p=none", "spf-verification=1", "taco", "spf2.0/pra a", "vspace"],
)
def test_everything_else(text: str) -> None:
    assert near_miss(text) == ""


@pytest.mark.parametrize("text", ["spf2.0/pra a", "SPF2.0/mfrom,pra", "v=spf2.0/pra a"])
def test_sender_id(text: str) -> None:
    assert is_sender_id(text)


@given(st.text())
def test_a_record_is_never_a_near_miss(text: str) -> None:
    assert not (near_miss(text) and is_spf(text))
    assert near_miss(f"v=spf1 {text}") == ""
