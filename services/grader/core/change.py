"""What a regrade changed about one grade, and why."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

Said = tuple[str, Mapping[str, str]]
"""A remark without its lookups: tag and arguments."""


class Cause(StrEnum):
    """What a grade rests on and what differs."""

    EVIDENCE = "evidence"
    GRADER = "grader"
    REFERENCE = "reference"
    TIME = "time"


class Standing(Protocol):
    """A grade as it stands, or as it would. `finished_at`, the end of the scan that it judges, is
    microseconds since the epoch."""

    @property
    def points(self) -> int | None: ...
    @property
    def letter(self) -> str | None: ...
    @property
    def undetermined(self) -> bool: ...
    @property
    def applicable(self) -> bool: ...
    @property
    def grader_version(self) -> int: ...
    @property
    def reference_version(self) -> int: ...
    @property
    def reference_name(self) -> str: ...
    @property
    def evidence_hash(self) -> bytes: ...
    @property
    def finished_at(self) -> int: ...
    @property
    def scan_id(self) -> str: ...
    @property
    def processor_version(self) -> int: ...
    @property
    def said(self) -> Sequence[Said]: ...


@dataclass(frozen=True, slots=True)
class Change:
    """Tags of remarks, one for each remark. There are no causes where no grade was before; where
    one was, none means that the rules changed and the grader's version did not."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    reworded: tuple[str, ...]
    """They stay, with other arguments."""
    causes: tuple[Cause, ...]


def replaces(new: Standing, old: Standing, *, force: bool) -> bool:
    """Whether newer wins lets `new` take the place of `old`. With `force` only its scan has to be
    as new: versions may go back."""
    scans = (new.finished_at, new.scan_id), (old.finished_at, old.scan_id)
    if force or scans[0] != scans[1]:
        return scans[0] >= scans[1]
    return _versions(new) >= _versions(old)


def change(old: Standing | None, new: Standing) -> Change | None:
    """What is different, or None. Remarks are compared whatever order they are in."""
    if old is None:
        return Change(tuple(sorted(tag for tag, _ in new.said)), (), (), ())
    gained, lost, reworded = _remarks(old.said, new.said)
    if _verdict(old) == _verdict(new) and not (gained or lost or reworded):
        return None
    return Change(gained, lost, reworded, _causes(old, new))


def _versions(standing: Standing) -> tuple[int, int, int]:
    return (standing.processor_version, standing.grader_version, standing.reference_version)


def _verdict(standing: Standing) -> tuple[object, ...]:
    return (standing.points, standing.letter, standing.undetermined, standing.applicable)


def _causes(old: Standing, new: Standing) -> tuple[Cause, ...]:
    reference = (old.reference_version, old.reference_name)
    differs = {
        Cause.EVIDENCE: old.evidence_hash != new.evidence_hash,
        Cause.GRADER: old.grader_version != new.grader_version,
        Cause.REFERENCE: reference != (new.reference_version, new.reference_name),
        Cause.TIME: old.finished_at != new.finished_at,
    }
    return tuple(cause for cause in Cause if differs[cause])


def _remarks(
    old: Sequence[Said], new: Sequence[Said]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Tags gained, lost and reworded."""
    if old == new:
        return (), (), ()
    before, after = _by_tag(old), _by_tag(new)
    gained, lost, reworded = [], [], []
    for tag in sorted(before.keys() | after.keys()):
        left = before[tag]
        fresh = [args for args in after[tag] if not _taken(args, left)]
        both = min(len(left), len(fresh))
        reworded += [tag] * both
        lost += [tag] * (len(left) - both)
        gained += [tag] * (len(fresh) - both)
    return tuple(gained), tuple(lost), tuple(reworded)


def _by_tag(remarks: Sequence[Said]) -> dict[str, list[Mapping[str, str]]]:
    found = defaultdict(list)
    for tag, args in remarks:
        found[tag].append(args)
    return found


def _taken(args: Mapping[str, str], left: list[Mapping[str, str]]) -> bool:
    """Take one that is equal out of `left`."""
    if args not in left:
        return False
    left.remove(args)
    return True
