"""Where topics and groups stand at the broker."""

from services.common.stream.offsets import Offsets
from services.scheduler.core.barriers import positions


class BrokerTopics:
    """The port `Topics`."""

    def __init__(self, offsets: Offsets) -> None:
        self._offsets = offsets

    def ends(self, topic: str) -> dict[int, int]:
        return self._offsets.ends(topic)

    def positions(self, group: str, topic: str) -> dict[int, int]:
        return positions(self._offsets.committed(group, topic), self._offsets.starts(topic))
