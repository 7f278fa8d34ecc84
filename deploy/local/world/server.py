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
FREE_PORT_ATTEMPTS = 20
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


class Listener:
    """One loopback address that answers over UDP and TCP as long as the loop runs."""

    def __init__(self, port: int, udp: socket.socket, tcp: asyncio.Server) -> None:
        self.port = port
        self._udp = udp
        self._tcp = tcp

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._udp)
        self._udp.close()
        self._tcp.close()


async def listen(responder: Responder, port: int = 0) -> Listener:
    """Answers on that port; 0 takes one that is free for both. Raises OSError."""
    attempts = 1 if port else FREE_PORT_ATTEMPTS
    while True:
        attempts -= 1
        tcp = await _open_tcp(responder, port)
        chosen = tcp.sockets[0].getsockname()[1]
        try:
            return Listener(chosen, _open_udp(responder, chosen), tcp)
        except OSError:
            tcp.close()
            if not attempts:
                raise


def _open_udp(responder: Responder, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        sock.bind((LOOPBACK, port))
    except OSError:
        sock.close()
        raise
    asyncio.get_running_loop().add_reader(sock, _drain, sock, responder)
    return sock


async def _open_tcp(responder: Responder, port: int) -> asyncio.Server:
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
