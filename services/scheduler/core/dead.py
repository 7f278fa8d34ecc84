"""Which sites the dead letters of a run are about, and why they failed."""

from collections.abc import Iterable, Iterator

from services.common.messages import scan_request
from services.common.messages.codec import UndecodableError
from services.common.messages.dead_letter import DeadLetter
from services.common.messages.topics import SCAN_REQUESTS


def reasons(letters: Iterable[DeadLetter], run: int) -> dict[str, dict[str, str]]:
    """Reason by domain, by the service or group that gave up; letters of other runs are left
    out."""
    found: dict[str, dict[str, str]] = {}
    for letter in letters:
        if letter.run == run:
            reason = f"dead letter: {letter.reason}"
            found.setdefault(letter.service, {}).update(dict.fromkeys(_domains(letter), reason))
    return found


def _domains(letter: DeadLetter) -> Iterator[str]:
    """A batch is about all its sites, any other message about its key."""
    if letter.origin.topic != SCAN_REQUESTS:
        yield (letter.origin.key or b"").decode("utf-8", "replace")
        return
    try:
        request = scan_request.decode(letter.origin.value)
    except UndecodableError:
        return
    yield from (site.domain for site in request.sites)
