"""The guard that no test sends a packet to anything but this machine.

It hangs on the interpreter's audit events, so it sees every socket that Python code opens. An
attempt is refused on the spot, and remembered, because code under test may swallow the error.
"""

import ipaddress
import socket
import sys
from typing import Any

_EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})

attempts: list[str] = []
"""What was refused so far."""


class OutsideLoopbackError(Exception):
    """A test tried to reach something outside this machine."""


def watch() -> None:
    """For the rest of the process: audit hooks cannot be removed."""
    sys.addaudithook(_refuse)


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    sock, address = args
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or address is None:
        return
    if not _is_loopback(address[0]):
        attempts.append(f"{event} to {address[0]}")
        raise OutsideLoopbackError(attempts[-1])


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
