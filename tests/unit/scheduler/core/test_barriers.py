from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS
from services.scheduler.core.barriers import (
    PROCESSOR,
    SCANNER,
    Barrier,
    Ends,
    Offsets,
    Step,
    next_step,
    positions,
    waiting_for,
)

QUEUED = Ends(("spf", "mx"), {0: 4, 1: 6})
SCANNED = Ends(("spf", "mx"), {0: 4, 1: 6}, {0: 10, 1: 20})
PROCESSED = Ends(("spf", "mx"), {0: 4, 1: 6}, {0: 10, 1: 20}, {0: 100, 1: 0})


def test_each_state_waits_for_the_groups_of_one_stage() -> None:
    assert [(b.group, b.topic) for b in waiting_for(QUEUED)] == [(SCANNER, SCAN_REQUESTS)]
    assert [(b.group, b.topic) for b in waiting_for(SCANNED)] == [(PROCESSOR, SCAN_RESULTS)]
    assert [(b.group, b.topic) for b in waiting_for(PROCESSED)] == [
        ("grader-spf", GRADE_REQUESTS),
        ("grader-mx", GRADE_REQUESTS),
    ]


def test_a_stage_is_over_when_its_group_has_passed_every_partition() -> None:
    assert next_step(QUEUED, {SCANNER: {0: 4, 1: 5}}) is Step.WAIT
    assert next_step(QUEUED, {SCANNER: {0: 400}}) is Step.WAIT
    assert next_step(QUEUED, {SCANNER: {0: 4, 1: 6}}) is Step.NOTE_SCAN_RESULTS
    assert next_step(SCANNED, {PROCESSOR: {0: 10, 1: 19}}) is Step.WAIT
    assert next_step(SCANNED, {PROCESSOR: {0: 11, 1: 25}}) is Step.NOTE_GRADE_REQUESTS


def test_the_slowest_grader_ends_the_run() -> None:
    spf, mx = "grader-spf", "grader-mx"
    assert next_step(PROCESSED, {spf: {0: 100}, mx: {0: 99}}) is Step.WAIT
    assert next_step(PROCESSED, {spf: {0: 99}, mx: {0: 100}}) is Step.WAIT
    assert next_step(PROCESSED, {spf: {0: 100}, mx: {0: 100}}) is Step.FINISH


def test_partitions_that_hold_nothing_of_the_run_are_passed() -> None:
    assert Barrier("g", "t", {0: 0, 1: 0}).passed({})


def test_groups_may_advance_in_any_order_and_the_run_ends_once_all_have() -> None:
    moves = [(SCANNER, 0, 4), (SCANNER, 1, 6), (PROCESSOR, 0, 10), (PROCESSOR, 1, 20)]
    moves += [("grader-spf", 0, 100), ("grader-mx", 0, 100)]
    for order in permutations(moves):
        groups: dict[str, dict[int, int]] = {
            group: {} for group in (SCANNER, PROCESSOR, "grader-spf", "grader-mx")
        }
        taken: list[Step] = []
        for group, partition, offset in order:
            groups[group][partition] = offset
            taken += _advance(groups, len(taken))
        assert taken == [Step.NOTE_SCAN_RESULTS, Step.NOTE_GRADE_REQUESTS, Step.FINISH]


def _advance(groups: dict[str, dict[int, int]], done: int) -> list[Step]:
    """The steps that can be taken now, after `done` of them."""
    steps: list[Step] = []
    for ends in (QUEUED, SCANNED, PROCESSED)[done:]:
        step = next_step(ends, groups)
        if step is Step.WAIT:
            break
        steps.append(step)
    return steps


_offsets = st.dictionaries(st.integers(0, 5), st.integers(0, 50))


@given(_offsets, _offsets, _offsets)
def test_a_passed_barrier_stays_passed(ends: Offsets, at: Offsets, more: Offsets) -> None:
    barrier = Barrier("g", "t", ends)
    later = {part: at.get(part, 0) + more.get(part, 0) for part in at.keys() | more.keys()}
    assert barrier.remaining(later) <= barrier.remaining(at)
    assert barrier.passed(at) == all(at.get(part, 0) >= end for part, end in ends.items())


def test_what_retention_removed_holds_no_barrier() -> None:
    assert positions({0: 5}, {0: 7, 1: 3, 2: 0}) == {0: 7, 1: 3, 2: 0}
    assert positions({0: 9}, {0: 7}) == {0: 9}
