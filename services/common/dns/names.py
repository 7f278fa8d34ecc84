"""Domain names as text: lower case, escaped, without a final dot; the root is ".".

Escapes are those of RFC 1035 section 5.1 (`\\.` and `\\DDD`), so that every name on the wire has
exactly one text and every text one name.
"""

import re

MAX_LABEL = 63
MAX_WIRE = 255

_PLAIN_AND_DOT = bytes(c for c in range(0x21, 0x7F) if c not in b'"();\\@$')
_ESCAPED = {c: f"\\{c:03d}" for c in range(256) if not 0x21 <= c < 0x7F} | {
    ord(c): f"\\{c}" for c in '"().;\\@$'
}
_LENGTHS = {length: bytes([length]) for length in range(1, MAX_LABEL + 1)}
_ESCAPE = re.compile(r"\\(?:(\d\d\d)|(\D)|)", re.DOTALL | re.ASCII)


class BadNameError(ValueError):
    """The text or the bytes are no domain name; the message says why."""


def text_of(labels: list[bytes]) -> str:
    """The text of these labels: lower case, escaped."""
    whole = b".".join(labels)
    if not whole.translate(None, _PLAIN_AND_DOT) and whole.count(b".") == len(labels) - 1:
        return whole.lower().decode("ascii")
    return ".".join([label.lower().decode("latin-1").translate(_ESCAPED) for label in labels])


def to_wire(name: str) -> bytes:
    """A name's uncompressed wire form. Raises BadNameError."""
    if name == ".":
        return b"\0"
    if not name.isascii():
        raise BadNameError(f"{name!r} has a character outside ASCII")
    if "\\" in name:
        parts = [_unescaped(label) for label in _split(name)]
    else:
        parts = name.encode("ascii").split(b".")
    try:
        wire = b"".join([_LENGTHS[len(part)] + part for part in parts]) + b"\0"
    except KeyError:
        fault = f"a label longer than {MAX_LABEL} bytes" if all(parts) else "an empty label"
        raise BadNameError(f"{name!r} has {fault}") from None
    if len(wire) > MAX_WIRE:
        raise BadNameError(f"{name!r} is longer than {MAX_WIRE} bytes on the wire")
    return wire


def from_wire(wire: bytes) -> str:
    """The text of one whole uncompressed name. Raises BadNameError."""
    labels, at = [], 0
    while at < len(wire) and (length := wire[at]):
        label = wire[at + 1 : at + 1 + length]
        if length > MAX_LABEL or len(label) < length:
            raise BadNameError(f"label of {length} bytes at byte {at} is too long or cut off")
        labels.append(label)
        at += 1 + length
    if at + 1 != len(wire) or at >= MAX_WIRE:
        raise BadNameError(f"{len(wire)} bytes are not one whole name")
    return text_of(labels) if labels else "."


def normalise(text: str) -> str:
    """Our form of a name that somebody wrote, with or without its final dot. Raises
    BadNameError: for an empty label, one over 63 bytes, a name over 255, or non-ASCII text."""
    return from_wire(to_wire(_without_final_dot(text)))


def labels(name: str) -> list[str]:
    """The labels, leftmost first; none for the root."""
    if name == ".":
        return []
    return _split(name) if "\\" in name else name.split(".")


def fits(name: str) -> bool:
    """Whether a name that was put together of good labels is short enough for the wire."""
    if len(name) < MAX_WIRE - 1:  # an escape only makes the text longer
        return True
    try:
        to_wire(name)
    except BadNameError:
        return False
    return True


def parent(name: str) -> str:
    """The name without its leftmost label; the root is its own parent."""
    return ".".join(labels(name)[1:]) or "."


def is_subdomain(name: str, of: str) -> bool:
    """Whether `name` is `of` or below it."""
    if name == of or of == ".":
        return True
    if not name.endswith("." + of):
        return False
    return "\\" not in name or labels(name)[-len(labels(of)) :] == labels(of)


def _without_final_dot(text: str) -> str:
    if not text.endswith(".") or text in (".", ".."):
        return text
    escapes = len(text) - 1 - len(text[:-1].rstrip("\\"))
    return text if escapes % 2 else text[:-1]


def _split(name: str) -> list[str]:
    """Labels of an escaped name, empty ones included."""
    parts, start, at = [], 0, 0
    while at < len(name):
        if name[at] == ".":
            parts.append(name[start:at])
            start = at + 1
        at += 2 if name[at] == "\\" else 1
    return [*parts, name[start:]]


def _unescaped(label: str) -> bytes:
    try:
        return _ESCAPE.sub(_unescape, label).encode("latin-1")
    except UnicodeEncodeError:
        raise BadNameError(f"{label!r} has an escape above \\255") from None


def _unescape(match: re.Match[str]) -> str:
    number, character = match.groups()
    if number:
        return chr(int(number))
    if character:
        return str(character)
    raise BadNameError(f"{match.string!r} has an unfinished escape")
