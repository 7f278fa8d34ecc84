"""Queries to one server by UDP: ids, ports, a window on what is under way, timeouts."""

import asyncio
from collections import deque
from time import perf_counter
from typing import Protocol

from services.scanner.adapters.counters import Counters
from services.scanner.adapters.endpoints import Endpoint
from services.scanner.adapters.entropy import Entropy
from services.scanner.adapters.limits import Limits
from services.scanner.adapters.udp import Channel

SWEEP = 0.05
"""Seconds between looks for what is overdue."""
BLOCKED = 0.005
"""Seconds to wait when the kernel takes no more."""


class Query(Protocol):
    """What is to be asked and who wants to know."""

    section: bytes
    """The question section, which the response must repeat."""
    tail: bytes
    """The query without its id."""

    started: float
    """When it was first sent, by `perf_counter`; 0 before."""

    def answered(self, response: bytes, seconds: float) -> None: ...

    def timed_out(self) -> None: ...

    def failed(self, error: OSError) -> None: ...


class _Flight:
    """One datagram under way."""

    __slots__ = ("channel", "ident", "over", "query", "section", "sent", "server", "young")

    def __init__(self, server: "Server", query: Query, channel: Channel, ident: bytes) -> None:
        self.server = server
        self.query = query
        self.section = query.section
        self.channel = channel
        self.ident = ident
        self.sent = perf_counter()
        self.young = True
        self.over = False

    def landed(self, response: bytes) -> None:
        self.server.landed(self, response)

    def refused(self, error: OSError) -> None:
        self.server.refused(self, error)


class Server:
    """Sends each query as soon as the window allows and tells it how that ended.

    The window has two bounds: on everything under way, and on what is so young that it may still
    lie in the server's socket buffer, which a burst would overflow.
    """

    def __init__(self, endpoint: Endpoint, limits: Limits, counters: Counters) -> None:
        self.endpoint = endpoint
        self.counters = counters
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Query] = deque()
        self._by_age: deque[_Flight] = deque()
        self._young: deque[_Flight] = deque()
        self._under_way = self._young_count = 0
        self._channels: dict[int, Channel] = {}
        self._retired: list[Channel] = []
        self._entropy = Entropy()
        self._timer: asyncio.TimerHandle | None = None
        self._blocked = False

    def submit(self, query: Query) -> None:
        self._waiting.append(query)
        self._pump()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for channel in [*self._channels.values(), *self._retired]:
            channel.close()
        self._waiting.clear()

    def landed(self, flight: "_Flight", response: bytes) -> None:
        self._end(flight)
        self.counters.responses += 1
        flight.query.answered(response, perf_counter() - flight.sent)
        self._pump()

    def refused(self, flight: "_Flight", error: OSError) -> None:
        self._end(flight)
        flight.query.failed(error)
        self._loop.call_soon(self._pump)  # a send may have been told: no sending inside of it

    def _pump(self) -> None:
        """Send what the window allows."""
        waiting, limits = self._waiting, self._limits
        while (
            waiting
            and self._young_count < limits.burst
            and self._under_way < limits.outstanding
            and not self._blocked
        ):
            self._send(waiting.popleft())

    def _end(self, flight: "_Flight") -> None:
        """The flight is over, one way or the other."""
        flight.over = True
        flight.channel.forget(flight.ident)
        self._under_way -= 1
        if flight.young:
            self._young_count -= 1

    def _send(self, query: Query) -> None:
        draw = self._entropy.take(3)
        ident = draw[1:]
        try:
            channel = self._channel(draw[0] % self._limits.sockets)
            while ident in channel.flights:
                ident = self._entropy.take(2)
            flight = _Flight(self, query, channel, ident)
            channel.send(flight, ident, query.tail)
        except BlockingIOError:
            self._wait_for_kernel(query)
            return
        except OSError as error:
            query.failed(error)
            return
        query.started = query.started or flight.sent
        self.counters.sent += 1
        self._under_way += 1
        self._young_count += 1
        self._by_age.append(flight)
        self._young.append(flight)
        if self._timer is None:
            self._timer = self._loop.call_later(SWEEP, self._sweep)

    def _channel(self, place: int) -> Channel:
        """The open socket at this place; a used-up one is replaced, and with it the port."""
        channel = self._channels.get(place)
        if channel is None:
            channel = self._channels[place] = self._open()
        elif channel.taken >= self._limits.socket_life:
            self._retire(channel)
            channel = self._channels[place] = self._open()
        return channel

    def _retire(self, channel: Channel) -> None:
        channel.retire()
        self._retired = [old for old in [*self._retired, channel] if not old.closed]

    def _open(self) -> Channel:
        return Channel(self.endpoint, self._limits.receive_buffer, self._stray)

    def _stray(self) -> None:
        self.counters.stray += 1

    def _wait_for_kernel(self, query: Query) -> None:
        self._waiting.appendleft(query)
        self._blocked = True
        self._loop.call_later(BLOCKED, self._unblock)

    def _unblock(self) -> None:
        self._blocked = False
        self._pump()

    def _sweep(self) -> None:
        now = perf_counter()
        self._age(now - self._limits.patience)
        self._expire(now - self._limits.timeout)
        self._pump()
        more = self._by_age or self._waiting
        self._timer = self._loop.call_later(SWEEP, self._sweep) if more else None

    def _age(self, before: float) -> None:
        young = self._young
        while young and (young[0].over or young[0].sent <= before):
            flight = young.popleft()
            if not flight.over:
                flight.young = False
                self._young_count -= 1

    def _expire(self, before: float) -> None:
        by_age = self._by_age
        while by_age and (by_age[0].over or by_age[0].sent <= before):
            flight = by_age.popleft()
            if not flight.over:
                self._end(flight)
                self.counters.timeouts += 1
                flight.query.timed_out()
