"""Domain-specs and macro-strings of SPF (RFC 7208 section 7)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from services.common.dns.names import normalise

MAX_NAME = 253
_TOKEN = re.compile(
    r"%\{(?P<letter>[slodiphcrtv])(?P<digits>\d*)(?P<reverse>r?)(?P<delimiters>[-.+,/_=]*)\}"
    r"|%(?P<escape>[%_-])"
    r"|(?P<literal>[!-$&-~]+)",
    re.IGNORECASE | re.ASCII,
)
_ESCAPES = {"%": "%", "_": " ", "-": "%20"}
_ONLY_IN_EXPLANATIONS = frozenset("crt")


class SpecError(ValueError):
    """The text is no domain-spec or macro-string. `in_macro` tells a bad macro from a bad name."""

    def __init__(self, reason: str, *, in_macro: bool = False) -> None:
        super().__init__(reason)
        self.in_macro = in_macro


class Macro(NamedTuple):
    """One macro-expand: `%{` letter, digits (0 where there are none), reverse, delimiters `}`."""

    letter: str
    digits: int
    reverse: bool
    delimiters: str


@dataclass(frozen=True, slots=True)
class DomainSpec:
    """What stands after ":" or "=" where a name is meant. `text` has its literals in lower case;
    `parts` are literal text and macros in order."""

    text: str
    parts: tuple[str | Macro, ...]

    @property
    def static(self) -> bool:
        """Whether the name is the same for every message: no macro but `%{d}`."""
        return all(isinstance(part, str) or part.letter in "dD" for part in self.parts)

    def expand(self, domain: str) -> str:
        """The name that a static spec gives in the record of `domain`.

        Names too long lose labels on the left (section 7.3). Raises BadNameError where what
        comes out is no domain name.
        """
        return _expand(self.parts, domain)


def read_macro_string(text: str) -> DomainSpec:
    """Raises SpecError unless the text is a macro-string."""
    parts: list[str | Macro] = []
    shown = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise SpecError(f"there is no macro {text[at : at + 4]!r}", in_macro=True)
        parts.append(_part(token))
        shown.append(token[0].lower() if token["literal"] else token[0])
        at = token.end()
    return DomainSpec("".join(shown), tuple(parts))


def read_domain_spec(text: str) -> DomainSpec:
    """Raises SpecError unless the text is a domain-spec: a macro-string that ends in a macro, or
    in a dot and a top label."""
    if not text:
        raise SpecError("there is no name")
    spec = read_macro_string(text)
    for part in spec.parts:
        if isinstance(part, Macro) and part.letter.lower() in _ONLY_IN_EXPLANATIONS:
            raise SpecError(f"%{{{part.letter}}} may stand in explanations only", in_macro=True)
    if not (_ends_in_macro(text) or _ends_in_top_label(text)):
        raise SpecError("it is no complete domain name")
    return spec


def _part(token: re.Match[str]) -> str | Macro:
    if token["literal"]:
        return token["literal"].lower()
    if token["escape"]:
        return _ESCAPES[token["escape"]]
    digits = token["digits"]
    if digits and not digits.strip("0"):
        raise SpecError(f"{token[0]} keeps no label", in_macro=True)
    kept = min(int(digits[-9:]), MAX_NAME) if digits else 0
    return Macro(token["letter"], kept, bool(token["reverse"]), token["delimiters"])


def _ends_in_top_label(text: str) -> bool:
    """No regular expression: on 64 KiB of hostile text it would take minutes."""
    _, dot, label = text.removesuffix(".").rpartition(".")
    return bool(
        dot
        and label.replace("-", "").isalnum()
        and not label.isdigit()
        and not label.startswith("-")
        and not label.endswith("-")
    )


def _ends_in_macro(text: str) -> bool:
    *_, last = _TOKEN.finditer(text)
    return last["literal"] is None


@lru_cache(maxsize=16_384)
def _expand(parts: tuple[str | Macro, ...], domain: str) -> str:
    text = "".join(part if isinstance(part, str) else _value(part, domain) for part in parts)
    while len(text.rstrip(".")) > MAX_NAME and "." in text:
        text = text.partition(".")[2]
    return normalise(text.replace("\\", "\\\\"))


def _value(macro: Macro, domain: str) -> str:
    """Section 7.3: split, reverse, keep the rightmost parts, join with dots."""
    pieces = re.split(f"[{re.escape(macro.delimiters or '.')}]", domain)
    if macro.reverse:
        pieces.reverse()
    text = ".".join(pieces[-macro.digits :])
    return quote(text, safe="-._~") if macro.letter.isupper() else text
