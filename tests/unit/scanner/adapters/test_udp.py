"""A socket under uvloop that nobody listens to, and then somebody does."""

import asyncio
import os
import socket
import struct

import pytest

from services.common.dns.lookup import Question
from services.common.dns.query import question_wire
from services.scanner.adapters.endpoints import Endpoint
from services.scanner.adapters.udp import Channel
from tests.unit.scanner.adapters.servers import run

SECTION = question_wire(Question("a.test", "A"))
TAIL = struct.pack("!5H", 0x0100, 1, 0, 0, 0) + SECTION


class Waiting:
    """A flight that waits to land."""

    section = SECTION

    def __init__(self) -> None:
        self.response = asyncio.get_running_loop().create_future()

    def landed(self, response: bytes) -> None:
        self.response.set_result(response)

    def refused(self, error: OSError) -> None:
        self.response.set_exception(error)


async def _refused_before_it_is_read(channel: Channel) -> None:
    """The loop sees the error on the socket, but another callback's send takes it first."""
    loop = asyncio.get_running_loop()
    first, second = os.pipe()
    refused = loop.create_future()

    def send_again() -> None:
        loop.remove_reader(first)
        try:
            channel.send(Waiting(), b"\0\2", TAIL)
        except OSError as error:
            refused.set_result(error)

    loop.add_reader(first, send_again)
    await asyncio.sleep(0)
    os.write(second, b"x")
    earlier = Waiting()
    channel.send(earlier, b"\0\1", TAIL)
    assert isinstance(await refused, ConnectionRefusedError)
    channel.forget(b"\0\1")
    with pytest.raises(ConnectionRefusedError):
        await earlier.response
    os.close(first)
    os.close(second)


def test_a_socket_hears_again_whose_refusal_another_send_was_told() -> None:
    async def scenario() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        channel = Channel(Endpoint("127.0.0.1", port), 65536, lambda: None)
        await _refused_before_it_is_read(channel)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", port))
            flight = Waiting()
            channel.send(flight, b"\0\3", TAIL)
            query, peer = server.recvfrom(512)
            server.sendto(query[:2] + b"\x81\x80" + query[4:], peer)
            assert (await asyncio.wait_for(flight.response, 2))[:2] == b"\0\3"
        channel.close()

    run(scenario())
