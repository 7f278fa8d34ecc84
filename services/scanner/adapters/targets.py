"""Where packets may go that a stranger's data asks for: the last step before sending.

Evidence always holds the published address; only here is it turned into the one sent to.
"""

import json
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from services.scanner.adapters.endpoints import DNS_PORT, BadEndpointError, Endpoint, endpoint

PUBLIC = "public"


class BadTargetsError(ValueError):
    """The setting names no policy; the message says which file and entry, and why."""


class Targets(Protocol):
    def place(self, address: str) -> Endpoint | None:
        """Where to send what is meant for a published address; None where it must not go."""
        ...


@dataclass(frozen=True, slots=True)
class PublicTargets:
    """The public Internet by a shipped table, without this machine's own addresses."""

    is_public: Callable[[str], bool]

    def place(self, address: str) -> Endpoint | None:
        if not _is_address(address) or not self.is_public(address) or _is_own(address):
            return None
        return Endpoint(address, DNS_PORT)


@dataclass(frozen=True, slots=True)
class WorldTargets:
    """A closed world: every published address has a server on loopback, or none at all."""

    servers: Mapping[str, Endpoint] = field(default_factory=dict)

    def place(self, address: str) -> Endpoint | None:
        if not _is_address(address):
            return None
        return self.servers.get(str(ip_address(address)))


def load(text: str, is_public: Callable[[str], bool]) -> Targets:
    """`public`, or the file of a world: a JSON object such as
    `{"192.0.2.1": "127.0.0.1:5301"}`. Raises BadTargetsError."""
    if text == PUBLIC:
        return PublicTargets(is_public)
    try:
        entries = json.loads(Path(text).read_bytes())
    except OSError as error:
        raise BadTargetsError(
            f"targets {text!r}: neither {PUBLIC!r} nor a file: {error.strerror}"
        ) from error
    except ValueError as error:
        raise BadTargetsError(f"targets {text!r}: no JSON: {error}") from error
    if not isinstance(entries, dict):
        raise BadTargetsError(f"targets {text!r}: not an object of addresses")
    return WorldTargets(dict(_entry(text, *entry) for entry in entries.items()))


def _entry(file: str, address: str, server: object) -> tuple[str, Endpoint]:
    if not _is_address(address):
        raise BadTargetsError(f"targets {file!r}: {address!r} is no address")
    try:
        place = endpoint(server if isinstance(server, str) else repr(server))
    except BadEndpointError as error:
        raise BadTargetsError(f"targets {file!r}: {address}: {error}") from error
    if not ip_address(place.host).is_loopback:
        raise BadTargetsError(f"targets {file!r}: {address}: {place} is not on loopback")
    return str(ip_address(address)), place


def _is_address(text: str) -> bool:
    with suppress(ValueError):
        ip_address(text)
        return True
    return False


def _is_own(address: str) -> bool:
    """Whether this machine has the address: only then can a socket be bound to it."""
    family = Endpoint(address, 0).family
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return True
    return False
