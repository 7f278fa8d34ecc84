"""When a run is over: each group has passed everything that the stage before it wrote.

A group commits an offset only after its outputs are delivered, so once the scanner has passed the
run's batches, the ends of scan-results bound everything it will ever write for the run, and so on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS

Offsets = Mapping[int, int]
"""Partition to offset: the next to be written for an end, the next to be read for a group."""

SCANNER = "scanner"
PROCESSOR = "processor"


class Step(StrEnum):
    """What to do now."""

    WAIT = "wait"
    NOTE_SCAN_RESULTS = "note the ends of scan-results"
    NOTE_GRADE_REQUESTS = "note the ends of grade-requests"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Barrier:
    """`group` has passed it when it has read `topic` up to `ends`."""

    group: str
    topic: str
    ends: Offsets

    def passed(self, positions: Offsets) -> bool:
        return self.remaining(positions) == 0

    def remaining(self, positions: Offsets) -> int:
        """Messages (gaps included) that the group has still to read."""
        return sum(max(0, end - positions.get(part, 0)) for part, end in self.ends.items())


@dataclass(frozen=True, slots=True)
class Ends:
    """What has been noted of a run whose batches are all published."""

    graders: tuple[str, ...]
    scan_requests: Offsets
    scan_results: Offsets | None = None
    grade_requests: Offsets | None = None


def grader_group(grader: str) -> str:
    return f"grader-{grader}"


def groups(graders: Iterable[str]) -> list[str]:
    """Every group that a run with these graders waits for."""
    return [SCANNER, PROCESSOR, *map(grader_group, graders)]


def all_barriers(ends: Ends) -> tuple[Barrier, ...]:
    """Every barrier that is known, in the order in which they are passed."""
    barriers = [Barrier(SCANNER, SCAN_REQUESTS, ends.scan_requests)]
    if ends.scan_results is not None:
        barriers.append(Barrier(PROCESSOR, SCAN_RESULTS, ends.scan_results))
    if ends.grade_requests is not None:
        barriers += [
            Barrier(grader_group(grader), GRADE_REQUESTS, ends.grade_requests)
            for grader in ends.graders
        ]
    return tuple(barriers)


def waiting_for(ends: Ends) -> tuple[Barrier, ...]:
    """The barriers that are to be passed before the next step."""
    last = all_barriers(ends)[-1].topic
    return tuple(barrier for barrier in all_barriers(ends) if barrier.topic == last)


def next_step(ends: Ends, positions: Mapping[str, Offsets]) -> Step:
    """`positions` holds those of every group in `waiting_for(ends)`, by group."""
    if not all(barrier.passed(positions[barrier.group]) for barrier in waiting_for(ends)):
        return Step.WAIT
    if ends.scan_results is None:
        return Step.NOTE_SCAN_RESULTS
    if ends.grade_requests is None:
        return Step.NOTE_GRADE_REQUESTS
    return Step.FINISH


def positions(committed: Offsets, starts: Offsets) -> dict[int, int]:
    """Where a group reads on. What retention has removed it will never read, nor commit."""
    return {part: max(start, committed.get(part, 0)) for part, start in starts.items()}
