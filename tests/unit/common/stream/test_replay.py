"""What is missing of a window."""

import pytest

from services.common.messages.window import Window
from services.common.stream.replay import gaps

WINDOW = Window("scan-results", {0: 100, 1: 50}, {0: 200, 1: 50})
LOST = "partition 0 has lost offsets {} of 100 to 199"


@pytest.mark.parametrize(
    ("first", "end", "lost"),
    [
        (0, 300, []),
        (100, 200, []),
        (101, 300, ["100 to 100"]),
        (250, 300, ["100 to 199"]),
        (0, 150, ["150 to 199"]),
        (0, 50, ["100 to 199"]),
        (120, 150, ["100 to 119", "150 to 199"]),
    ],
    ids=[
        "more is kept",
        "just it is kept",
        "the first has expired",
        "all has expired",
        "the broker lost the tail",
        "the topic was made anew",
        "both ends are gone",
    ],
)
def test_gaps_are_named_by_partition(first: int, end: int, lost: list[str]) -> None:
    found = gaps(WINDOW, {0: first, 1: 60}, {0: end, 1: 70})
    assert found == [LOST.format(offsets) for offsets in lost]


def test_a_partition_that_is_gone_is_a_gap_and_an_empty_one_is_not() -> None:
    assert gaps(WINDOW, {}, {}) == [LOST.format("100 to 199")]
