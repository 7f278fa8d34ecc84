"""Which messages are finished, and how far each partition may be committed."""

from collections.abc import Iterable, Mapping

from services.common.messages.envelope import Incoming
from services.common.stream.consumer import Place, place


class Progress:
    """The contiguous finished prefix of each place. Messages are taken in the order of their
    offsets and finished in any order; offsets may have gaps. For one thread, but `holds`."""

    def __init__(self) -> None:
        self.count = 0
        """Messages taken and not finished."""
        self.bytes = 0
        self._taken: dict[Place, dict[int, Incoming | None]] = {}
        self._next: dict[Place, int] = {}

    def take(self, incoming: Incoming) -> None:
        self._taken.setdefault(place(incoming), {})[incoming.offset] = incoming
        self.count += 1
        self.bytes += incoming.size

    def holds(self, incoming: Incoming) -> bool:
        """Whether the message was taken and is neither finished nor dropped."""
        return self._taken.get(place(incoming), {}).get(incoming.offset) is not None

    def finish(self, incoming: Incoming) -> None:
        """Has no effect on a message that is not held."""
        if self.holds(incoming):
            self._taken[place(incoming)][incoming.offset] = None
            self.count -= 1
            self.bytes -= incoming.size

    def drop(self, places: Iterable[Place]) -> None:
        """Forget places that are no longer ours."""
        for where in places:
            for incoming in self._taken.pop(where, {}).values():
                if incoming is not None:
                    self.count -= 1
                    self.bytes -= incoming.size
            self._next.pop(where, None)

    def finished(self) -> dict[Place, int]:
        """The next offset of each place in which something is finished and not committed."""
        for where, taken in self._taken.items():
            while taken:
                offset = next(iter(taken))
                if taken[offset] is not None:
                    break
                del taken[offset]
                self._next[where] = offset + 1
        return dict(self._next)

    def committed(self, offsets: Mapping[Place, int]) -> None:
        for where, offset in offsets.items():
            if self._next.get(where) == offset:
                del self._next[where]
