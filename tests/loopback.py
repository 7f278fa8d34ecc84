"""The guard that no test sends a packet to anything but this machine.

It hangs on the interpreter's audit events, so it sees every socket that Python code opens, also in
the processes that tests start. An attempt is refused on the spot, and noted in a file, because code
under test may swallow the error.
"""

import ipaddress
import os
import socket
import sys
from pathlib import Path
from typing import Any

LOG = "TEST_LOOPBACK_LOG"
"""Variable that names the file of refused attempts."""
_SENDS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
"""They ask the system's resolver, unless the host is an address."""
_OWN_NAME = socket.gethostname()
_GUARD = Path(__file__).parent / "guard"


class OutsideLoopbackError(Exception):
    """A test tried to reach something outside this machine."""


def watch() -> None:
    """For the rest of this process: audit hooks cannot be removed."""
    sys.addaudithook(_refuse)


def watch_all(log: Path) -> None:
    """This process, and every Python process that it starts."""
    os.environ[LOG] = str(log)
    paths = [str(_GUARD), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    watch()


def attempts() -> list[str]:
    """What was refused so far, in all of them."""
    log = Path(os.environ[LOG])
    return log.read_text("utf-8").splitlines() if log.exists() else []


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    host = _target(event, args)
    if host is None or _is_local(host):
        return
    attempt = f"{event} to {host}"
    if log := os.environ.get(LOG):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{attempt}\n")
    raise OutsideLoopbackError(attempt)


def _target(event: str, args: tuple[Any, ...]) -> str | None:
    """The host that the event is about; None where no packet would go to one."""
    if event in _LOOKUPS:
        return args[0].decode("ascii") if isinstance(args[0], bytes) else args[0]
    if event in _SENDS and args[0].family in (socket.AF_INET, socket.AF_INET6):
        return args[1][0] if args[1] else None
    return None


def _is_local(host: str) -> bool:
    if host in ("", "localhost", _OWN_NAME):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
