"""How far a partition may be committed while its messages finish in any order."""

from hypothesis import given
from hypothesis import strategies as st

from services.common.messages.envelope import Incoming
from services.common.stream.progress import Progress

PLACE = ("in", 0)


def incoming(offset: int, partition: int = 0, value: bytes = b"12345") -> Incoming:
    return Incoming("in", partition, offset, None, value, (), 0)


def taken(*offsets: int) -> Progress:
    progress = Progress()
    for at, offset in enumerate(offsets):
        progress.take(incoming(offset), at)
    return progress


@given(
    offsets=st.sets(st.integers(0, 1000), min_size=1, max_size=30).map(sorted),
    data=st.data(),
)
def test_what_is_committed_is_the_finished_prefix(offsets: list[int], data: st.DataObject) -> None:
    progress = taken(*offsets)
    order = data.draw(st.permutations(offsets))
    done = set(order[: data.draw(st.integers(0, len(order)))])
    for offset in order:
        if offset in done:
            progress.finish(incoming(offset))
            progress.finished()
    unfinished = [offset for offset in offsets if offset not in done]
    before = [offset for offset in offsets if not unfinished or offset < unfinished[0]]
    assert progress.finished() == ({PLACE: before[-1] + 1} if before else {})
    assert progress.count == len(unfinished)
    assert progress.bytes == 5 * len(unfinished)
    assert progress.oldest() == (offsets.index(unfinished[0]) if unfinished else None)


def test_what_was_committed_is_not_committed_again() -> None:
    progress = taken(0, 1)
    progress.finish(incoming(0))
    progress.committed({PLACE: 1})
    progress.finish(incoming(1))
    assert progress.finished() == {PLACE: 2}
    progress.committed({PLACE: 2})
    assert progress.finished() == {}


def test_a_commit_that_was_overtaken_leaves_the_later_one_to_do() -> None:
    progress = taken(0, 1)
    progress.finish(incoming(0))
    first = progress.finished()
    progress.finish(incoming(1))
    assert progress.finished() == {PLACE: 2}
    progress.committed(first)
    assert progress.finished() == {PLACE: 2}


def test_a_dropped_place_is_forgotten_with_what_was_finished_of_it() -> None:
    progress = taken(0, 1)
    progress.take(incoming(7, partition=1), 9)
    progress.finish(incoming(0))
    progress.drop([PLACE])
    assert progress.finished() == {}
    assert (progress.count, progress.bytes, progress.oldest()) == (1, 5, 9)
    assert not progress.holds(incoming(1))
    progress.finish(incoming(1))
    assert progress.count == 1


def test_finishing_twice_counts_once() -> None:
    progress = taken(0, 1)
    progress.finish(incoming(0))
    progress.finish(incoming(0))
    assert progress.count == 1


def test_a_place_that_comes_back_is_taken_anew() -> None:
    progress = taken(5, 6)
    progress.drop([PLACE])
    progress.take(incoming(5), 3)
    assert progress.holds(incoming(5))
    progress.finish(incoming(5))
    assert progress.finished() == {PLACE: 6}
