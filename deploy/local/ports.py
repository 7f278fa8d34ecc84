"""Free loopback ports."""

import json
import socket
from contextlib import ExitStack
from pathlib import Path

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Distinct ports that nothing listens on at this moment."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for held in taken:
            held.bind((LOOPBACK, 0))
        return [held.getsockname()[1] for held in taken]


def kept_ports(record: Path, count: int) -> list[int]:
    """The ports of the last time where they are still free, so that addresses that a user noted
    stay good; otherwise free ones. Written to `record`."""
    try:
        ports = [int(port) for port in json.loads(record.read_text("utf-8"))]
    except (OSError, ValueError, TypeError):
        ports = []
    if len(ports) != count or not all(_is_free(port) for port in ports):
        ports = free_ports(count)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(ports), "utf-8")
    return ports


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError):
            return False
        return True
