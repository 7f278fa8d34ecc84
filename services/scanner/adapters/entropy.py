"""Unpredictable bytes, drawn from the kernel many at a time."""

import os

_BLOCK = 4096


class Entropy:
    def __init__(self) -> None:
        self._block = b""
        self._at = _BLOCK

    def take(self, size: int) -> bytes:
        """`size` bytes, far fewer than a block."""
        at = self._at
        if at + size > len(self._block):
            self._block = os.urandom(_BLOCK)
            at = 0
        self._at = at + size
        return self._block[at : at + size]
