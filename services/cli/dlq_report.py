"""What there is to say of a dead letter: as data, and as text in which nothing is hostile."""

import json
from datetime import UTC, datetime
from typing import Any

from services.common.dns.text import printable
from services.common.messages import scan_request
from services.common.messages.codec import Codec, UndecodableError
from services.common.messages.dead_letter import DeadLetter
from services.common.messages.topics import SCAN_REQUESTS

SHOWN_BYTES = 256


def summary(letter: DeadLetter, action: str | None) -> dict[str, Any]:
    """What `dlq list` says of a letter; `action` is what was done about it."""
    origin = letter.origin
    return {
        "id": letter.id,
        "at": _time(letter).isoformat(),
        "service": letter.service,
        "topic": origin.topic,
        "partition": origin.partition,
        "offset": origin.offset,
        "run": letter.run,
        "about": about(letter),
        "reason": letter.reason,
        "size": origin.size,
        "handled": action,
    }


def details(letter: DeadLetter, action: str | None) -> dict[str, Any]:
    """What `dlq show` says of a letter: `content` where it decodes, else `undecodable` and the
    first bytes in `hex`."""
    said = summary(letter, action) | {
        "key": _bytes(letter.origin.key or b""),
        "headers": [[name, _bytes(value)] for name, value in letter.origin.headers],
    }
    try:
        content = Codec(letter.origin.topic).decode(letter.origin.value)
    except UndecodableError as error:
        first = (letter.origin.value or b"")[:SHOWN_BYTES]
        return said | {"undecodable": str(error), "hex": first.hex(" ", 2)}
    return said | {"content": json.loads(json.dumps(content, default=bytes.hex))}


def about(letter: DeadLetter) -> str:
    """The site, or the batch, that the message is about."""
    if letter.origin.topic == SCAN_REQUESTS:
        try:
            request = scan_request.decode(letter.origin.value)
        except UndecodableError:
            return "a batch that cannot be read"
        return f"batch {request.batch} ({len(request.sites)} sites)"
    return _bytes(letter.origin.key or b"")


def line(said: dict[str, Any]) -> str:
    """`summary` for people."""
    run = "no run" if said["run"] is None else f"run {said['run']}"
    done = f"  ({said['handled']})" if said["handled"] else ""
    return (
        f"{said['id']}  {said['at'][:19]}  {printable(said['service'])}  {run}  {said['about']}"
        f"{done}\n    {said['topic']}[{said['partition']}]@{said['offset']}: "
        f"{printable(said['reason'])}"
    )


def text(said: dict[str, Any]) -> str:
    """`details` for people."""
    lines = [line(said), f"    {said['size']:,} bytes, key {said['key'] or 'none'}"]
    lines += [f"    header {printable(name)} = {value}" for name, value in said["headers"]]
    if "content" in said:
        return "\n".join([*lines, json.dumps(said["content"], indent=2)])
    return "\n".join([*lines, f"    cannot be read: {said['undecodable']}", f"    {said['hex']}"])


def _bytes(value: bytes) -> str:
    return printable(value.decode("latin-1"))


def _time(letter: DeadLetter) -> datetime:
    try:
        return datetime.fromtimestamp(letter.at / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)
