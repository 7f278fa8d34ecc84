"""The configured resolvers as one: whose turn it is, and TCP beside UDP."""

import asyncio
from collections.abc import Callable, Sequence

from services.scanner.adapters import tcp
from services.scanner.adapters.counters import Counters
from services.scanner.adapters.endpoints import Endpoint
from services.scanner.adapters.entropy import Entropy
from services.scanner.adapters.limits import Limits
from services.scanner.adapters.server import Server


class Upstream:
    """Made inside a running event loop."""

    def __init__(self, endpoints: Sequence[Endpoint], limits: Limits, counters: Counters) -> None:
        self.limits = limits
        self.counters = counters
        self.loop = asyncio.get_running_loop()
        self._servers = [Server(endpoint, limits, counters) for endpoint in endpoints]
        self._turn = 0
        self._entropy = Entropy()
        self._connections = asyncio.Semaphore(limits.tcp_connections)
        self._tasks: set[asyncio.Task[None]] = set()

    def first(self) -> Server:
        self._turn = (self._turn + 1) % len(self._servers)
        return self._servers[self._turn]

    def after(self, server: Server) -> Server:
        """Another server than this one, where there is one."""
        return self._servers[(self._servers.index(server) + 1) % len(self._servers)]

    def over_tcp(self, server: Server, tail: bytes, done: Callable[[bytes, float], None]) -> None:
        """Ask by TCP; `done` gets the response, empty where none came, and the seconds it took."""
        task = self.loop.create_task(self._over_tcp(server, tail, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for server in self._servers:
            server.close()

    async def _over_tcp(
        self, server: Server, tail: bytes, done: Callable[[bytes, float], None]
    ) -> None:
        query = self._entropy.take(2) + tail
        async with self._connections:
            self.counters.tcp += 1
            begun = self.loop.time()
            try:
                response = await tcp.exchange(server.endpoint, query, self.limits.tcp_timeout)
            except OSError:
                response = b""
        done(response if response[:2] == query[:2] else b"", self.loop.time() - begun)
