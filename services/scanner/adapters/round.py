"""Questions asked together: one future for all of them."""

import asyncio
from time import perf_counter

from services.common.dns.lookup import Lookup
from services.scanner.adapters.exchange import Exchange


class Round:
    """`results` are by place; one that is still empty was not ended in time."""

    __slots__ = ("exchanges", "finished", "loop", "missing", "results", "timer")

    def __init__(self, size: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.finished: asyncio.Future[None] = self.loop.create_future()
        self.results: list[list[Lookup]] = [[]] * size
        self.missing = size
        self.exchanges: list[Exchange] = []
        self.timer: asyncio.TimerHandle | None = None

    def fill(self, place: int, lookups: list[Lookup]) -> None:
        self.results[place] = lookups
        self.missing -= 1
        if not self.missing and not self.finished.done():
            self.finished.set_result(None)

    def seconds(self) -> float:
        """Since the first of its questions was sent."""
        started = min((e.started for e in self.exchanges if e.started), default=None)
        return 0.0 if started is None else perf_counter() - started
