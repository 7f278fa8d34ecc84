"""What the engine may take, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times are seconds, sizes bytes. The defaults suit a validating resolver of one's own."""

    timeout: float = 3.0
    tries: int = 3
    """Of one question, each at the next resolver."""
    burst: int = 256
    """Unanswered questions per resolver younger than `patience`: as many small packets as the
    default receive buffer of a Linux socket holds."""
    patience: float = 0.2
    """A question older than this waits upstream, no longer in the resolver's socket buffer."""
    outstanding: int = 8192
    """Unanswered questions per resolver of any age."""
    sockets: int = 8
    """Open per resolver; each question takes one at random."""
    socket_life: int = 4096
    """Questions after which a socket, and so its port, is replaced."""
    receive_buffer: int = 4 << 20
    tcp_timeout: float = 6.0
    """Of a whole exchange over TCP, however slowly it trickles."""
    tcp_connections: int = 64
    site_questions: int = 1000
    site_seconds: float = 45.0
    """Spent on one site's questions, without the wait for their turn."""
    site_age: float = 120.0
    """The same with the wait."""
    shared_bytes: int = 128 << 20
    shared_seconds: float = 3600.0
    failure_seconds: float = 5.0
