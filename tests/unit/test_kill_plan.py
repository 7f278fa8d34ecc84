"""The plan of a kill round follows from its seed, and over the seeds everything is met."""

from itertools import pairwise

from tests.integration.kill_plan import BATCH_SIZES, CLOSE, FIRST, KINDS, LAST, Kill, plan

SEEDS = range(1, 101)


def test_the_same_seed_is_the_same_plan() -> None:
    assert plan(7) == plan(7)
    assert len({plan(seed) for seed in SEEDS}) == len(SEEDS)


def test_a_round_kills_one_of_every_kind_in_time() -> None:
    for seed in SEEDS:
        planned = plan(seed)
        points = [kill.at for kill in planned.later]
        assert points == sorted(points)
        assert all(FIRST <= at <= LAST for at in (*points, planned.publishing))
        assert all(set(kind) & set(planned.names) for kind in KINDS)


def test_over_many_seeds_every_process_is_killed_at_any_time() -> None:
    kills = [kill for seed in SEEDS for kill in plan(seed).later]
    assert {kill.name for kill in kills} == {name for kind in KINDS for name in kind}
    for name in ("scheduler", "grader-mx", "kafka", "postgres"):
        points = [kill.at for kill in kills if kill.name == name]
        assert min(points) < 0.2
        assert max(points) > 0.8
    assert {plan(seed).batch_size for seed in SEEDS} == set(BATCH_SIZES)


def test_some_die_twice_and_some_together() -> None:
    counts = [len(plan(seed).names) for seed in SEEDS]
    assert min(counts) == len(KINDS) + 1
    assert max(counts) == len(KINDS) + 7
    assert any(_twice(plan(seed).later, 1.0) for seed in SEEDS)
    assert any(_twice(plan(seed).later, 2 * CLOSE) for seed in SEEDS)


def _twice(kills: tuple[Kill, ...], within: float) -> bool:
    return any(
        first.name == second.name and second.at - first.at < within
        for first, second in pairwise(kills)
    )
