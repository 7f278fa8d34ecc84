"""Questions per CPU-second of the scanner's engine, beside dnspython's asyncquery.

A server process of its own answers by UDP on loopback, so that only the client's CPU is counted
(user and system, the kernel's delivery inside send() among it).
"""

import asyncio
import gc
import multiprocessing
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

import dns.asyncquery
import dns.message
import uvloop

from services.common.dns.lookup import Question
from services.scanner.__main__ import COLLECT_AFTER
from services.scanner.adapters.endpoints import Endpoint
from services.scanner.adapters.resolver import Resolver

SITES = 4000
ROUND = 10
"""Questions asked together."""
IN_FLIGHT = 20
"""Sites at once."""
BASELINE_SITES = 100
REPEATS = 3

_HEAD = b"\x81\x80\0\1\0\2\0\0\0\1"
_OPT = b"\0\0\x29\x04\xd0\0\0\x80\0\0\0"
_RECORD = b"\xc0\x0c\0\x10\0\1\0\0\1\x2c\0\x40\x3f" + b"x" * 63


def main() -> None:
    gc.set_threshold(*COLLECT_AFTER)
    with _server() as endpoint:
        engine = min(_cost(lambda: _engine(endpoint), SITES) for _ in range(REPEATS))
        baseline = min(_cost(lambda: _dnspython(endpoint), BASELINE_SITES) for _ in range(REPEATS))
    for name, cost in (("engine with its lookups", engine), ("dnspython asyncquery", baseline)):
        print(f"{name:24} {cost:8.1f} µs CPU a question {1e6 / cost:10,.0f} /CPU-s")
    print(f"ratio {baseline / engine:.1f}, best of {REPEATS}")


def _cost(work: Callable[[], Coroutine[None, None, None]], sites: int) -> float:
    """Microseconds of CPU per question."""
    before = time.process_time()
    uvloop.run(work())
    return (time.process_time() - before) / (sites * ROUND) * 1e6


def _questions(site: int) -> list[Question]:
    return [Question(f"n{place}.d{site}.test", "TXT") for place in range(ROUND)]


async def _engine(endpoint: Endpoint) -> None:
    resolver = Resolver([endpoint])
    sites = iter(range(SITES))

    async def scan() -> None:
        for site in sites:
            for (lookup,) in await resolver.for_site(1).ask(_questions(site)):
                assert lookup.response

    await asyncio.gather(*(scan() for _ in range(IN_FLIGHT)))
    resolver.close()


async def _dnspython(endpoint: Endpoint) -> None:
    async def ask(question: Question) -> None:
        query = dns.message.make_query(question.name, question.rdtype, want_dnssec=True)
        await dns.asyncquery.udp(query, endpoint.host, port=endpoint.port, timeout=5)

    for site in range(BASELINE_SITES):
        await asyncio.gather(*map(ask, _questions(site)))


@contextmanager
def _server() -> Iterator[Endpoint]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.bind(("127.0.0.1", 0))
        process = multiprocessing.Process(target=_serve, args=(sock,), daemon=True)
        process.start()
        try:
            yield Endpoint(*sock.getsockname())
        finally:
            process.terminate()
            process.join()


def _serve(sock: socket.socket) -> None:
    """Two TXT records for every question."""
    while True:
        query, client = sock.recvfrom(4096)
        section = query[12 : -len(_OPT)]
        sock.sendto(query[:2] + _HEAD + section + _RECORD * 2 + _OPT, client)
