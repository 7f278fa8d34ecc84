"""Tag lists keep everything that was written."""

from hypothesis import given
from hypothesis import strategies as st

from services.common.records.tags import Tag, parse_tags


def test_order_and_white_space() -> None:
    parsed = parse_tags("v=DMARC1 ; p = none;\trua=\tmailto:a@b.example ;")
    assert parsed.tags == (Tag("v", "DMARC1"), Tag("p", "none"), Tag("rua", "mailto:a@b.example"))
    assert parsed.malformed == ()


def test_a_value_may_hold_an_equals_sign() -> None:
    assert parse_tags("rua=mailto:a@b.example?x=y").values("rua") == ("mailto:a@b.example?x=y",)


def test_duplicates_are_kept() -> None:
    parsed = parse_tags("p=none; p=reject; sp=none")
    assert parsed.values("p") == ("none", "reject")
    assert parsed.duplicates == ("p",)
    assert parsed.values("np") == ()


def test_what_is_no_tag_is_kept() -> None:
    parsed = parse_tags("v=DMARC1; mailto:a@b.example; =x; 1a=b; a b=c; \xe9=x; p=")
    assert parsed.malformed == ("mailto:a@b.example", "=x", "1a=b", "a b=c", "\xe9=x")
    assert parsed.tags[-1] == Tag("p", "")


@given(st.text())
def test_nothing_is_lost(text: str) -> None:
    parsed = parse_tags(text)
    parts = [part for part in text.split(";") if part.strip(" \t")]
    assert len(parsed.tags) + len(parsed.malformed) == len(parts)


@given(st.lists(st.tuples(st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True), st.text("ab =:,"))))
def test_what_is_written_is_read(tags: list[tuple[str, str]]) -> None:
    text = ";".join(f"{name}={value}" for name, value in tags)
    assert parse_tags(text).tags == tuple(Tag(name, value.strip()) for name, value in tags)
