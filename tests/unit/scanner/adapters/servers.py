"""Small DNS servers on loopback that behave as a test tells them to."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import uvloop

from services.scanner.adapters.endpoints import Endpoint
from tests.ports import bound_pair

Behaviour = Callable[[bytes], Sequence[bytes]]
"""The datagrams with which one query is answered."""

T = TypeVar("T")

QR, TC, CD = 0x80, 0x02, 0x10
_OPT_SIZE = 11


@dataclass(slots=True)
class Asked:
    """A server's address and what it was asked, without the ids."""

    endpoint: Endpoint
    udp: list[bytes] = field(default_factory=list)
    tcp: list[bytes] = field(default_factory=list)


def has_edns(query: bytes) -> bool:
    return query[11] == 1


def has_cd(query: bytes) -> bool:
    return bool(query[3] & CD)


def section(query: bytes) -> bytes:
    return query[12:-_OPT_SIZE] if has_edns(query) else query[12:]


def reply(
    query: bytes, *, rcode: int = 0, address: bytes = b"", tc: bool = False, more: bytes = b""
) -> bytes:
    """A response to an A question; `more` is its additional section of one record."""
    flags = bytes([QR | 0x01 | (TC if tc else 0), 0x80 | rcode])
    counts = bytes([0, 1, 0, bool(address), 0, 0, 0, bool(more)])
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + address if address else b""
    return query[:2] + flags + counts + section(query) + answer + more


def ede(code: int) -> bytes:
    """An OPT record with one extended error."""
    return b"\0\0\x29\x04\xd0\0\0\0\0\0\6\0\x0f\0\2" + code.to_bytes(2)


def address(query: bytes) -> list[bytes]:
    return [reply(query, address=b"\xc0\0\2\1")]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, asked: list[bytes], behaviour: Behaviour) -> None:
        self._asked = asked
        self._behaviour = behaviour

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._asked.append(data[2:])
        for answer in self._behaviour(data):
            self._transport.sendto(answer, addr)


def run(work: Coroutine[Any, Any, T]) -> T:
    """On the loop of production."""
    return uvloop.run(work)


@asynccontextmanager
async def server(
    behaviour: Behaviour = address,
    over_tcp: Callable[[bytes], Sequence[bytes]] | None = None,
    *,
    pause: float = 0.0,
    host: str = "127.0.0.1",
    ports: tuple[socket.socket, socket.socket] | None = None,
) -> AsyncIterator[Asked]:
    """Answers by UDP as told; by TCP, if at all, in the pieces given with a pause between."""
    udp, tcp = ports or bound_pair(host)
    asked = Asked(Endpoint(host, udp.getsockname()[1]))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            query = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
            asked.tcp.append(query[2:])
            for piece in over_tcp(query) if over_tcp else ():
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Datagrams(asked.udp, behaviour), sock=udp
    )
    listener = await asyncio.start_server(serve, sock=tcp) if over_tcp else None
    try:
        yield asked
    finally:
        transport.close()
        if listener is None:
            tcp.close()
        else:
            listener.close()
            await listener.wait_closed()
