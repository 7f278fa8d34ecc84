"""When so many scans fail that the fault is ours."""

from collections import deque

MOST = 100
AMONG = 10_000


class Failures:
    """Failed scans among the last `AMONG`."""

    def __init__(self) -> None:
        self._sites = 0
        self._failed: deque[int] = deque()

    def count(self, failed: bool) -> None:
        self._sites += 1
        if failed:
            self._failed.append(self._sites)
        while self._failed and self._failed[0] <= self._sites - AMONG:
            self._failed.popleft()

    @property
    def too_many(self) -> bool:
        return len(self._failed) > MOST
