"""The sockets of a world: UDP and TCP on loopback, answers prepared once."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from deploy.local.ports import LOOPBACK
from deploy.local.world.respond import (
    UDP_SIZE,
    Prepared,
    Query,
    UnreadableError,
    assemble,
    parse,
)
from services.common.dns.wire import HEADER_SIZE

Respond = Callable[[Query], Prepared | None]

REMEMBERED = 50_000
"""Questions whose answers are kept; forgotten all at once when there are more."""
DATAGRAMS_A_TURN = 64
BUFFER = 4 * 1024 * 1024
TCP_LIMIT = 65535
TCP_IDLE = 10.0
"""Seconds after which a silent connection is closed."""
_FORMERR = b"\x80\x01\0\0\0\0\0\0\0\0"


class Responder:
    """Turns packets into responses by one view of the world, remembering what it prepared."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._memory: dict[bytes, tuple[Query, Prepared | None]] = {}

    def answer(self, packet: bytes, tcp: bool = False) -> bytes | None:
        """The response; None where the world stays silent or the packet deserves no answer."""
        # All but the id decides the answer, the spelling of the name included.
        key = packet[2:]
        known = self._memory.get(key)
        if known is None:
            try:
                query = parse(packet)
            except UnreadableError:
                is_query = len(packet) >= HEADER_SIZE and not packet[2] & 0x80
                return packet[:2] + _FORMERR if is_query else None
            if len(self._memory) >= REMEMBERED:
                self._memory.clear()
            known = self._memory[key] = (query, self._respond(query))
        query, prepared = known
        if prepared is None:
            return None
        limit = TCP_LIMIT if tcp else min(query.size, UDP_SIZE)
        return assemble(packet, query, prepared, limit)


def open_udp(loop: asyncio.AbstractEventLoop, responder: Responder, port: int) -> socket.socket:
    """A bound UDP socket on loopback that answers as long as the loop runs."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    sock.bind((LOOPBACK, port))
    loop.add_reader(sock, _drain, sock, responder)
    return sock


async def open_tcp(responder: Responder, port: int) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, TimeoutError, ConnectionError):
                await _converse(responder, reader, writer)
        finally:
            writer.close()

    return await asyncio.start_server(serve, LOOPBACK, port)


def _drain(sock: socket.socket, responder: Responder) -> None:
    for _ in range(DATAGRAMS_A_TURN):
        try:
            packet, peer = sock.recvfrom(4096)
        except OSError:  # nothing left, or an earlier answer could not be delivered
            return
        response = responder.answer(packet)
        if response is not None:
            with suppress(OSError):  # a full buffer loses the answer, as networks do
                sock.sendto(response, peer)


async def _converse(
    responder: Responder, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answers the messages of one connection in turn (RFC 7766)."""
    while True:
        async with asyncio.timeout(TCP_IDLE):
            size = struct.unpack("!H", await reader.readexactly(2))[0]
            packet = await reader.readexactly(size)
        response = responder.answer(packet, tcp=True)
        if response is not None:
            writer.write(struct.pack("!H", len(response)) + response)
            await writer.drain()
