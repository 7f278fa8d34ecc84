"""Ports on loopback that are free for UDP and TCP alike."""

import socket


def bound_pair(host: str = "127.0.0.1") -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket bound to one port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(50):
        tcp = socket.socket(family, socket.SOCK_STREAM)
        udp = socket.socket(family, socket.SOCK_DGRAM)
        try:
            tcp.bind((host, 0))
            udp.bind((host, tcp.getsockname()[1]))
        except OSError:
            tcp.close()
            udp.close()
        else:
            return udp, tcp
    raise RuntimeError("no port is free for both UDP and TCP")


def free_port(host: str = "127.0.0.1") -> int:
    """For a server that binds it itself, a moment later."""
    udp, tcp = bound_pair(host)
    with udp, tcp:
        return int(udp.getsockname()[1])
