"""An SPF record as a value (RFC 7208).

Parsing never fails: what is wrong is data (`SpfRecord.faults`), and a record with any fault makes
every receiver answer "permerror" (section 4.6).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from services.common.records.spf_term import (
    ONCE,
    Fault,
    FaultCode,
    FaultError,
    Mechanism,
    Modifier,
    Term,
    read_term,
)

VERSION = "v=spf1"
_RUN_TOGETHER = re.compile(
    r"[^-+?~](?P<next>[-+?~]?(?:include:|exists:|redirect=|ip[46]:)|[-+?~]all\Z)", re.IGNORECASE
)
MAX_CACHED = 1024
"""Longer texts are parsed anew, so that strangers cannot fill the memory."""


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """`terms` are those without fault, in order."""

    text: str
    terms: tuple[Term, ...]
    faults: tuple[Fault, ...]
    effective: tuple[Term, ...] = field(init=False)
    """What a receiver evaluates, in its order: mechanisms to the first `all` (section 5.1), then
    redirect where there is no `all` (section 6.1)."""
    all: Mechanism | None = field(init=False)
    ignored: tuple[Mechanism, ...] = field(init=False)
    """Mechanisms after the first `all`."""

    def __post_init__(self) -> None:
        mechanisms = [term for term in self.terms if isinstance(term, Mechanism)]
        ends = [at for at, term in enumerate(mechanisms, 1) if term.name == "all"]
        end = ends[0] if ends else len(mechanisms)
        redirect = () if ends else self.modifiers("redirect")[:1]
        object.__setattr__(self, "effective", (*mechanisms[:end], *redirect))
        object.__setattr__(self, "all", mechanisms[end - 1] if ends else None)
        object.__setattr__(self, "ignored", tuple(mechanisms[end:]))

    def modifiers(self, name: str) -> list[Modifier]:
        return [term for term in self.terms if isinstance(term, Modifier) and term.name == name]

    def __str__(self) -> str:
        return " ".join((VERSION, *map(str, self.terms)))


def is_spf(text: str) -> bool:
    """Whether a receiver takes this TXT record for SPF (section 4.5): the version section, alone
    or followed by a space."""
    return text[:6].lower() == VERSION and (len(text) == 6 or text[6] == " ")


def parse(text: str) -> SpfRecord:
    """Reads any text; never raises."""
    return _cached(text) if len(text) <= MAX_CACHED else _parse(text)


def _parse(text: str) -> SpfRecord:
    if not is_spf(text):
        fault = Fault(FaultCode.VERSION, text.partition(" ")[0], 0, f"it does not start {VERSION}")
        return SpfRecord(text, (), (fault,))
    terms: list[Term] = []
    faults: list[Fault] = []
    once: set[str] = set()
    for position, written in _pieces(text):
        try:
            term = read_term(written)
        except FaultError as error:
            reason = f"{error}{_missing_space(written)}"
            faults.append(Fault(error.code, written, position, reason))
            continue
        terms.append(term)
        if term.name in once:
            reason = f"{term.name} may appear once"
            faults.append(Fault(ONCE[term.name], written, position, reason))
        elif term.name in ONCE:
            once.add(term.name)
    return SpfRecord(text, tuple(terms), tuple(faults))


_cached = lru_cache(maxsize=16_384)(_parse)


def _missing_space(written: str) -> str:
    """The commonest cause of a fault: two terms that run together."""
    found = _RUN_TOGETHER.search(written)
    return f"; a space seems to be missing before {found['next']}" if found else ""


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    position = len(VERSION)
    for piece in text[position:].split(" "):
        if piece:
            yield position, piece
        position += len(piece) + 1
