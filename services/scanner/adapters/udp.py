"""A connected, non-blocking UDP socket with many queries under way."""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from services.common.dns.query import is_response
from services.common.dns.wire import HEADER_SIZE
from services.scanner.adapters.endpoints import Endpoint

RECEIVE_SIZE = 4096
"""More than we advertise; a datagram that fills it is treated as truncated."""
DRAIN = 256
"""Datagrams read in one go, so that a flood cannot hold the loop."""

_FORMERR, _NOTIMP = 1, 4


class Flight(Protocol):
    """A query under way, as a channel sees it."""

    section: bytes
    """The question section, which the response must repeat."""

    def landed(self, response: bytes) -> None: ...

    def refused(self, error: OSError) -> None: ...


class Channel:
    """One socket and the flights on it, by id. The kernel drops what comes from elsewhere."""

    def __init__(self, endpoint: Endpoint, receive_buffer: int, stray: Callable[[], None]) -> None:
        self.flights: dict[bytes, Flight] = {}
        self.taken = 0
        self._stray = stray
        self._retired = self.closed = False
        self._socket = socket.socket(endpoint.family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self._socket.connect(tuple(endpoint))
        except OSError:
            self._socket.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)

    def send(self, flight: Flight, ident: bytes, tail: bytes) -> None:
        """Raises OSError, of which BlockingIOError says that the kernel's buffer is full."""
        try:
            self._socket.send(ident + tail)
        except BlockingIOError:
            raise
        except OSError as error:
            self._failed(error)
            raise
        self.flights[ident] = flight
        self.taken += 1

    def forget(self, ident: bytes) -> None:
        """The flight is over or given up: what still comes for it is a stray."""
        del self.flights[ident]
        if self._retired and not self.flights:
            self.close()

    def retire(self) -> None:
        """Take no more; close as soon as nothing is under way."""
        self._retired = True
        if not self.flights:
            self.close()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _readable(self) -> None:
        flights, receive = self.flights, self._socket.recv
        for _ in range(DRAIN):
            try:
                response = receive(RECEIVE_SIZE)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._failed(error)
                return
            flight = flights.get(response[:2])
            if flight is None or not _answers(response, flight.section):
                self._stray()
                continue
            flight.landed(response)
            if self.closed:
                return

    def _failed(self, error: OSError) -> None:
        """An ICMP error on a connected socket names no datagram: it holds for all of them, and is
        told once, to whoever sends or receives next."""
        # uvloop stops looking at a socket that has an error, unless it is told to look again.
        self._loop.remove_reader(self._socket)
        self._loop.add_reader(self._socket, self._readable)
        for flight in list(self.flights.values()):
            flight.refused(error)


def _answers(response: bytes, section: bytes) -> bool:
    if is_response(response, section):
        return True
    # A server that cannot read the query may send back no more than the header.
    bare = len(response) == HEADER_SIZE and response[2] & 0x80
    return bool(bare) and response[3] & 0xF in (_FORMERR, _NOTIMP)
