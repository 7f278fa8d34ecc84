"""Bytes of strangers as text that every store and screen can take."""

_ESCAPES = {c: f"\\{c:03d}" for c in range(256) if not 0x20 <= c < 0x7F} | {ord("\\"): "\\\\"}


def printable(text: str) -> str:
    """One character per byte (latin-1, as TXT rdata is) in the `\\DDD` form of RFC 1035 section
    5.1; what latin-1 does not have becomes "?"."""
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return text.encode("latin-1", "replace").decode("latin-1").translate(_ESCAPES)
