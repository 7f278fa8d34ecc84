import pytest

from services.scheduler.core.estimate import duration, estimate, in_words


def test_the_overall_rate_sets_the_time_of_a_mixed_list() -> None:
    cost = estimate(1_000_000, 30, [("Small", 1000)], overall_rate=1000, operator_rate=100)
    assert cost.questions == 30_000_000
    assert cost.hours == pytest.approx(30_000 / 3600)


def test_one_large_operator_can_be_slower_than_everything_else() -> None:
    cost = estimate(1000, 30, [("Large", 900), ("Small", 10)], overall_rate=1000, operator_rate=100)
    assert cost.hours == pytest.approx(270 / 3600)
    assert [operator.name for operator in cost.slowest] == ["Large", "Small"]
    assert in_words(cost).splitlines() == [
        "about 30,000 questions in at least 4 min 30 s",
        "slowest: Large, 27,000 questions, 4 min 30 s",
        "slowest: Small, 300 questions, 3.0 s",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (60, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (3600, "1 h 0 min"),
        (30000, "8 h 20 min"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
