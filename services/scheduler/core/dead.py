"""Which sites the dead letters of a run are about, and why they failed."""

from collections.abc import Iterable, Iterator

from services.common.messages import scan_request
from services.common.messages.codec import UndecodableError
from services.common.messages.envelope import Incoming, run_header
from services.common.messages.topics import SCAN_REQUESTS, dead_letter

REASON = "dead_letter_reason"
SERVICE = "dead_letter_service"


def reasons(letters: Iterable[Incoming], run: int) -> dict[str, dict[str, str]]:
    """Reason by domain, by the service or group that gave up; letters of other runs are left
    out."""
    found: dict[str, dict[str, str]] = {}
    for letter in letters:
        headers = dict(letter.headers)
        if run_header(run) in letter.headers:
            service = headers.get(SERVICE, b"").decode("utf-8", "replace")
            reason = "dead letter: " + headers.get(REASON, b"").decode("utf-8", "replace")
            found.setdefault(service, {}).update(dict.fromkeys(_domains(letter), reason))
    return found


def _domains(letter: Incoming) -> Iterator[str]:
    """A batch is about all its sites, any other message about its key."""
    if letter.topic != dead_letter(SCAN_REQUESTS):
        yield (letter.key or b"").decode("utf-8", "replace")
        return
    try:
        request = scan_request.decode(letter.value)
    except UndecodableError:
        return
    yield from (site.domain for site in request.sites)
