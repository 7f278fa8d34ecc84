"""What the engine counted since it was made."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    sent: int = 0
    """Queries by UDP."""
    responses: int = 0
    stray: int = 0
    """Datagrams that answer nothing that was asked: late, forged or damaged."""
    timeouts: int = 0
    tcp: int = 0
    shared: int = 0
    """Questions answered from what was kept."""
    joined: int = 0
    """Questions that waited for the same one already under way."""
