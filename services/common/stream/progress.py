"""Which messages are finished, and how far each partition may be committed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.common.messages.envelope import Incoming
from services.common.stream.consumer import Place, place


@dataclass(slots=True)
class _Taken:
    size: int
    at: float
    finished: bool = False


class Progress:
    """The contiguous finished prefix of each place. Messages are taken in the order of their
    offsets and finished in any order; offsets may have gaps. For one thread, but `holds`."""

    def __init__(self) -> None:
        self.count = 0
        """Messages taken and not finished."""
        self.bytes = 0
        self._taken: dict[Place, dict[int, _Taken]] = {}
        self._next: dict[Place, int] = {}

    def take(self, incoming: Incoming, at: float) -> None:
        """`at` is when, by whatever clock `oldest` is compared with."""
        self._taken.setdefault(place(incoming), {})[incoming.offset] = _Taken(incoming.size, at)
        self.count += 1
        self.bytes += incoming.size

    def holds(self, incoming: Incoming) -> bool:
        """Whether the message was taken and is neither finished nor dropped."""
        taken = self._taken.get(place(incoming), {}).get(incoming.offset)
        return taken is not None and not taken.finished

    def finish(self, incoming: Incoming) -> None:
        """Has no effect on a message that is not held."""
        if self.holds(incoming):
            taken = self._taken[place(incoming)][incoming.offset]
            taken.finished = True
            self._forget(taken)

    def drop(self, places: Iterable[Place]) -> None:
        """Forget places that are no longer ours."""
        for where in places:
            for taken in self._taken.pop(where, {}).values():
                if not taken.finished:
                    self._forget(taken)
            self._next.pop(where, None)

    def finished(self) -> dict[Place, int]:
        """The next offset of each place in which something is finished and not committed."""
        for where, taken in self._taken.items():
            while taken:
                offset = next(iter(taken))
                if not taken[offset].finished:
                    break
                del taken[offset]
                self._next[where] = offset + 1
        return dict(self._next)

    def committed(self, offsets: Mapping[Place, int]) -> None:
        for where, offset in offsets.items():
            if self._next.get(where) == offset:
                del self._next[where]

    def oldest(self) -> float | None:
        """When the oldest message was taken that holds up a commit."""
        firsts = (next(iter(taken.values())) for taken in self._taken.values() if taken)
        return min((taken.at for taken in firsts), default=None)

    def _forget(self, taken: _Taken) -> None:
        self.count -= 1
        self.bytes -= taken.size
