"""How many messages a second a replay takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.stream.pace import SLICE_SECONDS, Pace


@pytest.mark.parametrize(("rate", "batch"), [(0.1, 1), (50, 10), (1e6, 1000)])
def test_what_is_taken_at_once(rate: float, batch: int) -> None:
    assert Pace(rate).batch(1000) == batch


@given(
    rate=st.floats(0.1, 10_000),
    steps=st.lists(st.tuples(st.integers(1, 50), st.floats(0, 3)), min_size=1, max_size=50),
)
def test_never_faster_than_the_rate(rate: float, steps: list[tuple[int, float]]) -> None:
    pace, now, taken = Pace(rate), 1000.0, 0
    for count, work in steps:
        taken += count
        now += work
        now += pace.take(count, now)
    assert taken <= rate * (now - 1000.0 + SLICE_SECONDS) * 1.000001


def test_work_that_takes_time_does_not_slow_it_further() -> None:
    pace, now = Pace(100), 1000.0
    for _ in range(10):
        now += 0.15
        now += pace.take(20, now)
    assert now - 1000.0 == pytest.approx(10 * 0.2, abs=SLICE_SECONDS)
