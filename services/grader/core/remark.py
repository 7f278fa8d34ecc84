"""A remark kind is declared once; calling it makes a remark."""

import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from services.common.dns.lookup import Observation
from services.common.dns.text import printable

MAX_ARGUMENT = 512
"""Characters kept of one argument; what was cut is said."""


class Level(StrEnum):
    """Gravity by consequence to the domain's owner."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"
    DEPRECATION = "deprecation"
    INFO = "info"


class LookupRef(NamedTuple):
    """Names a lookup that a remark rests on."""

    name: str
    rdtype: str
    server: str
    status: str


@dataclass(frozen=True, slots=True)
class RemarkKind:
    """One thing that a grader can say.

    `text` has its arguments by name in braces. `means` says what follows from it for the owner,
    `mend` what to do. `retired` is the reason why no wire data can reach this kind any more.
    """

    tag: str
    number: int
    level: Level
    text: str
    reference: str
    means: str
    mend: str
    retired: str = ""
    parameters: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        names = {name for _, name, _, _ in string.Formatter().parse(self.text) if name}
        object.__setattr__(self, "parameters", frozenset(names))

    def __call__(self, *seen: Observation, **args: object) -> "Remark":
        """Raises TypeError where the arguments are not exactly those that the text names."""
        if args.keys() != self.parameters:
            raise TypeError(f"{self.tag} takes {sorted(self.parameters)}, not {sorted(args)}")
        lookups = tuple(LookupRef(s.name, s.rdtype, s.server, s.status) for s in seen)
        return Remark(self, {name: shortened(str(value)) for name, value in args.items()}, lookups)


@dataclass(frozen=True, slots=True)
class Remark:
    """One finding about one site."""

    kind: RemarkKind
    args: dict[str, str]
    lookups: tuple[LookupRef, ...]

    @property
    def text(self) -> str:
        return self.kind.text.format_map(self.args)


_GRAVITY = {level: place for place, level in enumerate(Level)}


def worst_first(remarks: Iterable[Remark]) -> list[Remark]:
    """Remarks of one level stay in order: what is cut from a long list is what weighs least."""
    return sorted(remarks, key=lambda remark: _GRAVITY[remark.kind.level])


def shortened(text: str) -> str:
    """Text written by strangers, printable and cut to `MAX_ARGUMENT` characters."""
    shown = printable(text[: MAX_ARGUMENT + 1])
    if len(text) <= MAX_ARGUMENT and len(shown) <= MAX_ARGUMENT:
        return shown
    note = f"... ({len(text)} characters)"
    return shown[: MAX_ARGUMENT - len(note)] + note
