"""Answers shared by the sites of one run, and questions joined that are already under way."""

from collections import OrderedDict
from functools import partial
from time import monotonic
from typing import NamedTuple, Protocol

from services.common.dns.lookup import Lookup, Question
from services.common.dns.status import DETERMINED
from services.scanner.adapters.exchange import Exchange
from services.scanner.adapters.upstream import Upstream

LOOKUP_BYTES = 600
"""What a lookup costs in memory besides its response."""


class Key(NamedTuple):
    """Nothing is ever shared between two runs."""

    run_id: int
    question: Question
    checking_disabled: bool


class Waiter(Protocol):
    def fill(self, place: int, lookups: list[Lookup]) -> None: ...


class _Kept(NamedTuple):
    until: float
    size: int
    lookups: list[Lookup]


class Sharing:
    """Memory is bounded: what was not used for longest is dropped first."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._limits = upstream.limits
        self._counters = upstream.counters
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._size = 0
        self._under_way: dict[Key, tuple[Exchange, list[tuple[Waiter, int]]]] = {}

    def ask(self, key: Key, waiter: Waiter, place: int) -> Exchange | None:
        """Fill the waiter's place, now or later; returns the exchange that it then waits for.
        Raises BadNameError or BadTypeError for a question that cannot be written."""
        kept = self._kept.get(key)
        if kept is not None and kept.until > monotonic():
            self._kept.move_to_end(key)
            self._counters.shared += 1
            waiter.fill(place, kept.lookups)
            return None
        if key in self._under_way:
            exchange, waiters = self._under_way[key]
            waiters.append((waiter, place))
            self._counters.joined += 1
            return exchange
        done = partial(self._done, key)
        exchange = Exchange(self._upstream, key.question, key.checking_disabled, done)
        self._under_way[key] = exchange, [(waiter, place)]
        exchange.submit()
        return exchange

    def _done(self, key: Key, lookups: list[Lookup]) -> None:
        _, waiters = self._under_way.pop(key)
        self._keep(key, lookups)
        for waiter, place in waiters:
            waiter.fill(place, lookups)

    def _keep(self, key: Key, lookups: list[Lookup]) -> None:
        seconds, size = self._limits.shared_seconds, 0
        for lookup in lookups:
            size += LOOKUP_BYTES + lookup.response_size
            if lookup.status not in DETERMINED:
                seconds = self._limits.failure_seconds
        old = self._kept.pop(key, None)
        self._size += size - (old.size if old else 0)
        self._kept[key] = _Kept(monotonic() + seconds, size, lookups)
        while self._size > self._limits.shared_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._size -= dropped.size
