"""A DMARC policy record as receivers of RFC 9989 read it (sections 4.7, 4.8 and 4.10.1).

A tag whose value is not allowed counts as absent, and so does one that is given twice with
different values: no two receivers need agree on which of them holds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from services.common.records.tags import TagList, parse_tags
from services.common.records.uri import ReportUri, parse_uris

_VERSION = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_OUTSIDE = re.compile(r"[^\x20-\x7e\t]")
_NUMBER = re.compile(r"\d{1,10}\Z", re.ASCII)

HISTORIC = ("pct", "rf", "ri")
"""Tags of RFC 7489 that RFC 9989 removed."""


class Policy(StrEnum):
    """What the owner asks receivers to do with mail that fails, weakest first."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"

    @property
    def rank(self) -> int:
        return _RANKS[self]

    @property
    def lowered(self) -> "Policy":
        """One level below, as `t=y` asks for (RFC 9989 section 4.7)."""
        return _LOWERED[self]


_RANKS = {policy: rank for rank, policy in enumerate(Policy)}
_LOWERED = {
    Policy.NONE: Policy.NONE,
    Policy.QUARANTINE: Policy.NONE,
    Policy.REJECT: Policy.QUARANTINE,
}


class Scope(StrEnum):
    """Whose mail a policy is for, by the tag that states it."""

    DOMAIN = "p"
    SUBDOMAINS = "sp"
    NONEXISTENT = "np"


class FaultKind(StrEnum):
    """What can be wrong with one part of a record."""

    INVALID = "the value is not allowed"
    CONFLICT = "two of its values exclude each other"
    DUPLICATE = "the tag occurs more than once, always with the same value"
    CONTRADICTION = "the tag occurs more than once, with different values"
    UNKNOWN = "the tag is not registered"
    CASE = "the tag's name is not in lower case"
    MALFORMED = "the part is no tag=value"
    CHARACTER = "the record has a character that is not printable ASCII"


class Fault(NamedTuple):
    kind: FaultKind
    tag: str
    value: str


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """`p`, `sp` and `np` are None where absent or not valid; the other tags have their default
    then. `fo` is empty where absent."""

    text: str
    tags: TagList
    p: Policy | None
    sp: Policy | None
    np: Policy | None
    adkim: str
    aspf: str
    fo: tuple[str, ...]
    rua: tuple[ReportUri, ...]
    ruf: tuple[ReportUri, ...]
    psd: str
    testing: bool
    faults: tuple[Fault, ...]
    unusable: frozenset[str] = field(init=False)
    """Tags that are there with a value that cannot be used."""
    sound: bool = field(init=False)
    """`p` is valid, and `sp` and `np` are where they are given."""
    applied: bool = field(init=False)
    """Receivers act on the record: it is sound, or has a valid reporting address and counts as
    `p=none` (RFC 9989 section 4.10.1)."""

    def __post_init__(self) -> None:
        unusable = frozenset(fault.tag for fault in self.faults if fault.kind in _UNUSABLE)
        sound = self.p is not None and unusable.isdisjoint(("sp", "np"))
        applied = sound or any(uri.fault is None for uri in self.rua)
        for name, value in (("unusable", unusable), ("sound", sound), ("applied", applied)):
            object.__setattr__(self, name, value)

    def value(self, tag: str) -> str | None:
        """The value as written, the first where there are several."""
        return next(iter(self.tags.values(tag)), None)

    def requested(self, scope: Scope) -> Policy:
        """The policy stated for a scope, by the fall-backs of RFC 9989 section 4.7."""
        if self.p is None or not self.sound:
            return Policy.NONE
        if scope is Scope.DOMAIN:
            return self.p
        if scope is Scope.NONEXISTENT and self.np is not None:
            return self.np
        return self.p if self.sp is None else self.sp

    def effective(self, scope: Scope) -> Policy:
        """What a receiver applies: the requested policy, one level lower under `t=y`."""
        requested = self.requested(scope)
        return requested.lowered if self.testing else requested


_UNUSABLE = frozenset({FaultKind.INVALID, FaultKind.CONTRADICTION})


def is_dmarc(text: str) -> bool:
    """It starts with the version tag, exactly; anything else is discarded (section 4.7)."""
    return _VERSION.match(text) is not None


@lru_cache(maxsize=1 << 14)
def parse_dmarc(text: str) -> DmarcRecord:
    """A TXT record that `is_dmarc`."""
    tags = parse_tags(text)
    reader = _Reader(tags)
    reader.check_others()
    return DmarcRecord(
        text=text,
        tags=tags,
        p=reader.policy("p"),
        sp=reader.policy("sp"),
        np=reader.policy("np"),
        adkim=reader.word("adkim", ("r", "s")),
        aspf=reader.word("aspf", ("r", "s")),
        fo=reader.failure_options(),
        rua=reader.uris("rua"),
        ruf=reader.uris("ruf"),
        psd=reader.word("psd", ("u", "y", "n")),
        testing=reader.word("t", ("n", "y")) == "y",
        faults=(*reader.faults, *_faults_of_form(text, tags)),
    )


def read_dmarc(rdata: tuple[str, ...]) -> tuple[DmarcRecord, ...]:
    """The DMARC records among the TXT records of one name."""
    return tuple(parse_dmarc(text) for text in rdata if is_dmarc(text))


def near_miss(text: str) -> str:
    """Why a text that was meant as a DMARC record is none; "" where it is no such attempt."""
    if is_dmarc(text) or "dmarc" not in text.lower():
        return ""
    for pattern, reason in _NEAR_MISSES:
        if pattern.match(text):
            return reason
    return "it does not start with v=DMARC1"


_NEAR_MISSES = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), reason)
    for pattern, reason in (
        (r"\s+v\s*=\s*DMARC1\s*(;|\Z)", "white space stands before v=DMARC1"),
        (r"\"|\\\"|'", "quotation marks are part of the text"),
        (r"v\s*=\s*DMARC1\s*\\", "a backslash stands before the semicolon"),
        (r"v\s*=\s*DMARC1\s*(;|\Z)", "v=DMARC1 is not written exactly so, in this case"),
        (r"v\s*=\s*DMARC1\s+\w+\s*=", "no semicolon stands after v=DMARC1"),
        (r"v\s*=\s*DMARC", "the version is not DMARC1"),
        (r".*;\s*v\s*=\s*DMARC1", "v=DMARC1 is not the first tag"),
    )
)


class _Reader:
    """Takes values out of a tag list and keeps what is wrong with them."""

    def __init__(self, tags: TagList) -> None:
        self._tags = tags
        self.faults: list[Fault] = []

    def policy(self, tag: str) -> Policy | None:
        word = self.word(tag, ("", *Policy))
        return Policy(word) if word else None

    def word(self, tag: str, allowed: tuple[str, ...]) -> str:
        """One of the allowed words, in any case (RFC 5234); the first is the default."""
        value = self._single(tag)
        if value is None:
            return allowed[0]
        if value and value.lower() in allowed:
            return value.lower()
        self._fault(FaultKind.INVALID, tag, value)
        return allowed[0]

    def uris(self, tag: str) -> tuple[ReportUri, ...]:
        value = self._single(tag)
        return () if value is None else parse_uris(value)

    def failure_options(self) -> tuple[str, ...]:
        value = self._single("fo")
        if value is None:
            return ()
        options = tuple(option.strip() for option in value.lower().split(":"))
        if not set(options) <= {"0", "1", "d", "s"} or len(set(options)) < len(options):
            self._fault(FaultKind.INVALID, "fo", value)
            return ()
        if {"0", "1"} <= set(options):
            self._fault(FaultKind.CONFLICT, "fo", value)
        return options

    def check_others(self) -> None:
        """The version, and the tags that only receivers of RFC 7489 still read."""
        self._single("v")
        for tag, valid in (("pct", _is_percentage), ("rf", _is_format), ("ri", _is_interval)):
            value = self._single(tag)
            if value is not None and not valid(value):
                self._fault(FaultKind.INVALID, tag, value)

    def _single(self, tag: str) -> str | None:
        values = self._tags.values(tag)
        if len(set(values)) > 1:
            self._fault(FaultKind.CONTRADICTION, tag, ", ".join(values))
            return None
        if len(values) > 1:
            self._fault(FaultKind.DUPLICATE, tag, values[0])
        return values[0] if values else None

    def _fault(self, kind: FaultKind, tag: str, value: str) -> None:
        self.faults.append(Fault(kind, tag, value))


def _is_percentage(value: str) -> bool:
    return bool(_NUMBER.match(value)) and int(value) <= 100


def _is_interval(value: str) -> bool:
    return bool(_NUMBER.match(value)) and int(value) <= 0xFFFFFFFF


def _is_format(value: str) -> bool:
    return all(word.strip().lower() == "afrf" for word in value.split(":"))


_KNOWN = frozenset(
    ("v", "p", "sp", "np", "adkim", "aspf", "fo", "rua", "ruf", "psd", "t", *HISTORIC)
)


def _faults_of_form(text: str, tags: TagList) -> Iterator[Fault]:
    for name in dict.fromkeys(tag.name for tag in tags.tags):
        if name not in _KNOWN:
            kind = FaultKind.CASE if name.lower() in _KNOWN else FaultKind.UNKNOWN
            yield Fault(kind, name, tags.values(name)[0])
    for part in tags.malformed:
        yield Fault(FaultKind.MALFORMED, "", part)
    if odd := _OUTSIDE.search(text):
        yield Fault(FaultKind.CHARACTER, "", odd[0])
