"""How fast a replay may go."""

SLICE_SECONDS = 0.2
"""So much work at most is done at once, or made up for."""


class Pace:
    """A token bucket of `rate` messages a second, above 0. Pure: times are given, in seconds."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._due = 0.0

    def batch(self, most: int) -> int:
        """How many messages to take at once: from one to `most`."""
        return max(1, min(most, int(self._rate * SLICE_SECONDS)))

    def take(self, count: int, now: float) -> float:
        """Note that so many messages were taken; returns the seconds to wait before the next."""
        self._due = max(self._due, now - SLICE_SECONDS) + count / self._rate
        return max(0.0, self._due - now)
