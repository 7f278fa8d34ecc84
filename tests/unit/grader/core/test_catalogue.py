"""What holds for the remark kinds of every grader."""

import re

import pytest

from services.grader.core.catalogue import GRADERS
from services.grader.core.remark import Level, RemarkKind

KINDS = [(name, kind) for name, grader in GRADERS.items() for kind in grader.kinds]
LIVING = [kind for _, kind in KINDS if not kind.retired]
ORIGINAL = {"spf": 28, "dmarc": 12, "mx": 10}


def test_tags_are_unique() -> None:
    tags = [kind.tag for _, kind in KINDS]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("name", GRADERS)
def test_numbers_are_unique_and_the_original_ones_complete(name: str) -> None:
    numbers = [kind.number for kind in GRADERS[name].kinds]
    assert len(set(numbers)) == len(numbers)
    assert {n for n in numbers if n < 100} == set(range(ORIGINAL[name]))


@pytest.mark.parametrize(("name", "kind"), KINDS, ids=lambda part: getattr(part, "tag", part))
def test_a_tag_begins_with_its_family(name: str, kind: RemarkKind) -> None:
    assert re.fullmatch(rf"{name.upper()}_[A-Z0-9_]+", kind.tag)


@pytest.mark.parametrize("kind", LIVING, ids=lambda kind: kind.tag)
def test_an_owner_is_told_in_sentences(kind: RemarkKind) -> None:
    assert kind.text
    assert not kind.text.endswith(".")
    assert kind.reference
    for sentence in (kind.means, kind.mend):
        assert sentence.endswith(".")
        assert sentence[0].isupper()


def test_levels() -> None:
    assert list(Level) == ["fatal", "error", "warning", "deprecation", "info"]
