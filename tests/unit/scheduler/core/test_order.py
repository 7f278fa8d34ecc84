from collections.abc import Sequence

import pytest

from services.scheduler.core.order import MAX_SITES, BadOrderError, Order, order

ALL = ("spf", "dmarc", "mx")


def test_without_wishes_a_run_is_over_the_whole_list() -> None:
    assert order(None, None, ALL, None) == Order(MAX_SITES, None, ALL)


def test_development_limits_a_run_but_not_one_that_is_smaller() -> None:
    assert order(None, None, ALL, 300).top == 300
    assert order(5_000, None, ALL, 300).top == 300
    assert order(20, None, ALL, 300).top == 20


def test_the_batches_of_the_original_are_possible() -> None:
    assert order(None, 10_000, ALL, None).batch_size == 10_000


def test_graders_are_kept_in_their_own_order_and_once() -> None:
    assert order(None, None, ("mx", "spf", "mx"), None).graders == ("spf", "mx")


@pytest.mark.parametrize(
    ("top", "size", "graders", "fault"),
    [
        (0, None, ALL, "would scan nothing"),
        (-1, None, ALL, "would scan nothing"),
        (1, 0, ALL, "from 1 to 10000"),
        (1, 10_001, ALL, "from 1 to 10000"),
        (1, None, ("spf", "nonsense"), "no grader is called nonsense; there are spf, dmarc, mx"),
        (1, None, (), "at least one grader"),
    ],
)
def test_impossible_orders_are_refused(
    top: int, size: int | None, graders: Sequence[str], fault: str
) -> None:
    with pytest.raises(BadOrderError, match=fault):
        order(top, size, graders, None)
