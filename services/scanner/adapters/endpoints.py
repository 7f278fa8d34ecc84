"""Addresses of servers as somebody writes them: "192.0.2.1:53" or "[2001:db8::1]:53"."""

import socket
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

DNS_PORT = 53


class BadEndpointError(ValueError):
    """The text is no address; the message quotes it and says what is expected."""


class Endpoint(NamedTuple):
    host: str
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def endpoint(text: str) -> Endpoint:
    """An address with or without a port (53). Raises BadEndpointError."""
    host, port = _split(text.strip())
    try:
        address = IPv6Address(host) if ":" in host else IPv4Address(host)
    except AddressValueError:
        raise _bad(text) from None
    if not (port.isascii() and port.isdecimal() and len(port) < 6 and 0 < int(port) < 65536):
        raise _bad(text)
    return Endpoint(str(address), int(port))


def endpoints(text: str) -> tuple[Endpoint, ...]:
    """A comma-separated list of at least one address. Raises BadEndpointError."""
    return tuple(endpoint(part) for part in text.split(","))


def _split(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if bracket and (not rest or rest[0] == ":"):
            return host, rest[1:] if rest else str(DNS_PORT)
        return "", ""
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, str(DNS_PORT)


def _bad(text: str) -> BadEndpointError:
    return BadEndpointError(f"{text!r} is no address: 192.0.2.1:53 or [2001:db8::1]:53 is expected")
