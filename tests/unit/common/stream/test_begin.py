"""Where a group reads on, partition by partition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.stream.begin import beginning


@pytest.mark.parametrize(
    ("committed", "run", "at"),
    [
        (150, None, 150),
        (200, 120, 200),
        (None, 120, 120),
        (None, None, 200),
        (None, 50, 100),
        (50, 150, 100),
        (300, None, 200),
        (300, 120, 120),
        (None, 300, 100),
        (300, 300, 100),
    ],
    ids=[
        "where it was",
        "where it was, an open run before that",
        "unknown: the open run",
        "unknown, no run open: the end",
        "the run's start has expired",
        "where it was has expired",
        "beyond the end, no run open",
        "beyond the end: the open run",
        "a run from before the topic was made anew",
        "both from before the topic was made anew",
    ],
)
def test_where_a_partition_of_offsets_100_to_199_is_read_on(
    committed: int | None, run: int | None, at: int
) -> None:
    assert beginning(committed, first=100, end=200, run=run) == at


offsets = st.none() | st.integers(0, 30)


@given(committed=offsets, run=offsets, first=st.integers(0, 20), size=st.integers(0, 10))
def test_it_is_always_an_offset_that_can_be_read(
    committed: int | None, run: int | None, first: int, size: int
) -> None:
    assert first <= beginning(committed, first, first + size, run) <= first + size
