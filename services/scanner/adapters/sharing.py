"""Answers shared by the sites of one run, and questions joined that are already under way."""

from collections import OrderedDict
from time import monotonic
from typing import Protocol

from services.common.dns.lookup import Lookup, Question
from services.common.dns.status import DETERMINED
from services.scanner.adapters.exchange import Exchange
from services.scanner.adapters.upstream import Upstream

LOOKUP_BYTES = 600
"""What a lookup costs in memory besides its response."""

Key = tuple[int, Question, bool]
"""Run, question, checking disabled: nothing is ever shared between two runs."""


class Waiter(Protocol):
    def fill(self, place: int, lookups: list[Lookup]) -> None: ...


class Sharing:
    """Memory is bounded: what was not used for longest is dropped first."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._limits = upstream.limits
        self._counters = upstream.counters
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._size = 0
        self._under_way: dict[Key, _Joint] = {}

    def ask(self, key: Key, waiter: Waiter, place: int) -> Exchange | None:
        """Fill the waiter's place, now or later; returns the exchange that it then waits for.
        Raises BadNameError or BadTypeError for a question that cannot be written."""
        kept = self._kept.get(key)
        if kept is not None and kept[0] > monotonic():
            self._kept.move_to_end(key)
            self._counters.shared += 1
            waiter.fill(place, kept[2])
            return None
        joint = self._under_way.get(key)
        if joint is not None:
            joint.waiters.append((waiter, place))
            self._counters.joined += 1
            return joint.exchange
        joint = _Joint(self, key, waiter, place)
        exchange = joint.exchange = Exchange(self._upstream, key[1], key[2], joint.done)
        self._under_way[key] = joint
        exchange.submit()
        return exchange

    def finish(self, key: Key, lookups: list[Lookup]) -> None:
        """The question is no longer under way; its answer is kept."""
        del self._under_way[key]
        seconds, size = self._limits.shared_seconds, 0
        for lookup in lookups:
            size += LOOKUP_BYTES + lookup.response_size
            if lookup.status not in DETERMINED:
                seconds = self._limits.failure_seconds
        self._forget(key)
        self._size += size
        self._kept[key] = monotonic() + seconds, size, lookups
        while self._size > self._limits.shared_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Key) -> None:
        if key in self._kept:
            self._size -= self._kept.pop(key)[1]


_Kept = tuple[float, int, list[Lookup]]
"""Until when, how many bytes, what."""


class _Joint:
    """One question under way and who waits for it."""

    __slots__ = ("_key", "_sharing", "exchange", "waiters")
    exchange: Exchange

    def __init__(self, sharing: Sharing, key: Key, waiter: Waiter, place: int) -> None:
        self._sharing = sharing
        self._key = key
        self.waiters = [(waiter, place)]

    def done(self, lookups: list[Lookup]) -> None:
        self._sharing.finish(self._key, lookups)
        for waiter, place in self.waiters:
            waiter.fill(place, lookups)
