"""A part of a topic, by offsets: what a run left there, and what a replay of it reads."""

from collections.abc import Mapping
from dataclasses import dataclass

Offsets = Mapping[int, int]
"""By partition."""


@dataclass(frozen=True, slots=True)
class Window:
    """From `starts` up to, not including, `ends`. Both name the same partitions."""

    topic: str
    starts: Offsets
    ends: Offsets

    @property
    def size(self) -> int:
        """Offsets in it; there may be fewer messages, and some of other runs."""
        return sum(end - self.starts[part] for part, end in self.ends.items())

    def done(self, positions: Offsets) -> int:
        """How many of them a group is past that reads on at `positions`."""
        return sum(
            max(0, min(positions.get(part, 0), end) - self.starts[part])
            for part, end in self.ends.items()
        )

    def passed(self, positions: Offsets) -> bool:
        return self.done(positions) == self.size
