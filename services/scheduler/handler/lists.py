"""A list brought in, whoever asks for it: a command or the schedule."""

from collections.abc import Iterable

from services.scheduler.core.ranked_list import ListInfo, Merge, RankedList, refusal
from services.scheduler.handler.ports import Clock, ListError, Lists


class Importer:
    def __init__(self, lists: Lists, clock: Clock) -> None:
        self._lists = lists
        self._clock = clock

    def run(
        self, info: ListInfo, lines: Iterable[bytes], *, force: bool = False
    ) -> tuple[Merge, RankedList]:
        """What changed, and the list with its bad lines. Raises ListError for a list that is too
        small (`force` lets it pass) or has no good line; then nothing changes."""
        read = RankedList()

        def check(sites: int, before: int) -> None:
            if reason := refusal(sites, before, force):
                worst = "; ".join(map(str, read.first_bad[:3]))
                bad = f" ({read.bad.total():,} bad lines: {worst})" if worst else ""
                raise ListError(f"{info.source} was not imported: {reason}{bad}")

        return self._lists.import_list(info, read, lines, check, self._clock()), read
