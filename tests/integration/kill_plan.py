"""Whom a round kills, and when: a pure function of its seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.local.setup import GRADERS, PROCESSORS, SCANNERS

KINDS: tuple[tuple[str, ...], ...] = (
    ("scheduler",),
    tuple(f"scanner-{number}" for number in range(1, SCANNERS + 1)),
    tuple(f"processor-{number}" for number in range(1, PROCESSORS + 1)),
    tuple(f"grader-{name}" for name in GRADERS),
    ("kafka",),
    ("postgres",),
)
"""The processes of a local machine that do the work, by kind."""
FIRST, LAST = 0.05, 0.95
MOST_EXTRA = 6
AGAIN = 0.3
"""Chance of an extra kill to follow right after another one."""
CLOSE = 0.002
BATCH_SIZES = (1, 3, 10, 40)


@dataclass(frozen=True, slots=True)
class Kill:
    """`at` is a share of the run, from 0 to 1; see `progress.Progress`."""

    at: float
    name: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`publishing` is the share of batches that are out when the scheduler dies at it; `later`
    come in this order."""

    seed: int
    batch_size: int
    publishing: float
    later: tuple[Kill, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Who is killed, one for each kill."""
        return ("scheduler", *(kill.name for kill in self.later))


def plan(seed: int) -> Plan:
    """One of every kind, and up to `MOST_EXTRA` others, some of them right after another."""
    chance = random.Random(seed)
    batch_size = chance.choice(BATCH_SIZES)
    publishing = chance.uniform(FIRST, LAST)
    kills = [Kill(chance.uniform(FIRST, LAST), chance.choice(kind)) for kind in KINDS]
    for _ in range(chance.randint(0, MOST_EXTRA)):
        kills.append(_extra(chance, kills))
    return Plan(seed, batch_size, publishing, tuple(sorted(kills, key=lambda kill: kill.at)))


def _extra(chance: random.Random, kills: Sequence[Kill]) -> Kill:
    name = chance.choice(chance.choice(KINDS))
    if chance.random() < AGAIN:
        return Kill(min(LAST, chance.choice(kills).at + CLOSE), name)
    return Kill(chance.uniform(FIRST, LAST), name)
