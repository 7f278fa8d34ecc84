"""A world of records served by UDP on loopback."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.message
import dns.rdatatype

from services.common.dns.lookup import Question
from services.common.dns.names import normalise
from tests.unit.scanner.world import World


@contextmanager
def serving(world: World, port: int = 0) -> Iterator[str]:
    """The address, as a setting names it."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", port))
    thread = threading.Thread(target=_serve, args=(sock, world))
    thread.start()
    host, port = sock.getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", (host, port))
        thread.join()
        sock.close()


def _serve(sock: socket.socket, world: World) -> None:
    while True:
        packet, peer = sock.recvfrom(4096)
        if not packet:
            return
        asked = dns.message.from_wire(packet).question[0]
        name = normalise(asked.name.to_text())
        question = Question(name, dns.rdatatype.to_text(asked.rdtype))
        sock.sendto(packet[:2] + world.respond(question)[2:], peer)
