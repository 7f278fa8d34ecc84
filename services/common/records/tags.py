"""Tag lists: `name=value` parts between semicolons, as DKIM, DMARC and BIMI write them.

Source: RFC 6376 section 3.2. White space around names and values does not count, names are
case-sensitive, a name may occur once only, and what is wrong is kept as data.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

WSP = " \t"
"""White space inside a TXT record (RFC 5234)."""


class Tag(NamedTuple):
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class TagList:
    """The parts of a tag list in the order written, duplicates included.

    `malformed` holds the parts that are no `name=value`; empty parts count for nothing.
    """

    tags: tuple[Tag, ...]
    malformed: tuple[str, ...] = ()
    _by_name: dict[str, tuple[str, ...]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", _grouped(self.tags))

    def values(self, name: str) -> tuple[str, ...]:
        """Every value given for a name."""
        return self._by_name.get(name, ())

    @property
    def duplicates(self) -> tuple[str, ...]:
        """The names that occur more than once."""
        return tuple(name for name, values in self._by_name.items() if len(values) > 1)


def parse_tags(text: str) -> TagList:
    """Any text as a tag list. A value may contain `=`."""
    tags, malformed = [], []
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        name = name.strip(WSP)
        if equals and _is_name(name):
            tags.append(Tag(name, value.strip(WSP)))
        elif part := part.strip(WSP):
            malformed.append(part)
    return TagList(tuple(tags), tuple(malformed))


def _is_name(text: str) -> bool:
    """RFC 6376 section 3.2: a letter, then letters, digits and underscores."""
    return text.isascii() and text[:1].isalpha() and text.replace("_", "0").isalnum()


def _grouped(tags: Iterable[Tag]) -> dict[str, tuple[str, ...]]:
    grouped: dict[str, tuple[str, ...]] = {}
    for name, value in tags:
        grouped[name] = (*grouped.get(name, ()), value)
    return grouped
