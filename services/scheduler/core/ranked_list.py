"""A ranked list, line by line: `rank,domain`, of which any line may be bad."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from services.common.dns.names import BadNameError
from services.scheduler.core.site_name import site_name

MAX_LINE = 1_000
"""Bytes. A rank, a comma and the longest name in UTF-8 need less."""
NAMED = 20
"""So many bad lines are kept to be shown; all are counted."""
MAX_RANK = 2**31 - 1


SMALLEST_SHARE = 0.8
"""Of the sites of the list before; a smaller list is taken for a damaged one."""


class RankedSite(NamedTuple):
    rank: int
    domain: str


class BadLine(NamedTuple):
    number: int
    """From 1."""
    text: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ListInfo:
    """Which list it is; `list_id` is its publisher's own name of it."""

    source: str
    list_id: str
    list_date: date
    sha256: bytes

    def __str__(self) -> str:
        return f"{self.list_id} of {self.list_date}"


@dataclass(frozen=True, slots=True)
class Merge:
    """What an import changed. `reranked` includes sites that came back."""

    number: int
    """Of the import."""
    sites: int
    before: int
    """Sites of the list before; 0 for the first."""
    new: int
    reranked: int
    dropped: int


class _BadLineError(Exception):
    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


@dataclass(slots=True)
class RankedList:
    """Reads one list; what it holds is complete once `sites` is exhausted."""

    good: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    """Number of bad lines by kind: encoding, rank, domain, line, duplicate domain or rank."""
    first_bad: list[BadLine] = field(default_factory=list)
    _ranks: set[int] = field(default_factory=set)
    _domains: set[str] = field(default_factory=set)

    def sites(self, lines: Iterable[bytes]) -> Iterator[RankedSite]:
        """The good lines as sites. Bad ones are counted and the first of them kept, never fatal.

        Of two lines with one domain or one rank the first counts. A heading, a byte order mark,
        empty lines, quotes and CRLF are accepted.
        """
        for number, line in enumerate(lines, 1):
            stripped = line.strip()
            if not stripped or (number == 1 and _is_heading(stripped)):
                continue
            try:
                site = self._unique(_parse(stripped))
            except _BadLineError as error:
                self._note(number, stripped, error)
            else:
                self.good += 1
                yield site

    def _unique(self, site: RankedSite) -> RankedSite:
        if site.domain in self._domains:
            raise _BadLineError("duplicate domain", f"{site.domain} is on an earlier line")
        if site.rank in self._ranks:
            raise _BadLineError("duplicate rank", f"rank {site.rank} is on an earlier line")
        self._domains.add(site.domain)
        self._ranks.add(site.rank)
        return site

    def _note(self, number: int, line: bytes, error: _BadLineError) -> None:
        self.bad[error.kind] += 1
        if len(self.first_bad) < NAMED:
            text = line[:80].decode("utf-8", "backslashreplace")
            self.first_bad.append(BadLine(number, text, str(error)))


def _is_heading(line: bytes) -> bool:
    return line.removeprefix(b"\xef\xbb\xbf").replace(b" ", b"").lower() == b"rank,domain"


def _parse(line: bytes) -> RankedSite:
    if len(line) > MAX_LINE:
        raise _BadLineError("line", f"longer than {MAX_LINE} bytes")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _BadLineError("encoding", "not UTF-8") from error
    rank, comma, domain = text.partition(",")
    if not comma:
        raise _BadLineError("line", "no comma: a line is rank,domain")
    try:
        return RankedSite(_rank(_unquoted(rank)), site_name(_unquoted(domain)))
    except BadNameError as error:
        raise _BadLineError("domain", str(error)) from error


def _rank(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise _BadLineError("rank", f"{text[:20]!r} is no rank: a whole number from 1")
    rank = int(text)
    if not 1 <= rank <= MAX_RANK:
        raise _BadLineError("rank", f"rank {rank} is not between 1 and {MAX_RANK}")
    return rank


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].strip()
    return text


def refusal(sites: int, before: int, force: bool) -> str | None:
    """Why a list of so many good lines is not to be imported; None if it may be."""
    if not sites:
        return "it has no good line"
    if sites < before * SMALLEST_SHARE and not force:
        return f"it has {sites:,} sites, under {SMALLEST_SHARE:.0%} of the {before:,} of the last"
    return None
