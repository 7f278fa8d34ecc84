"""Where topics and groups stand at the broker."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from services.common.messages.dead_letter import DeadLetter, unwrap
from services.common.messages.topics import dead_letter
from services.common.stream.broker import Broker
from services.common.stream.groups import members
from services.common.stream.offsets import Offsets
from services.common.stream.window import since
from services.scheduler.core.barriers import positions


class BrokerTopics:
    """The port `Topics`."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._offsets = Offsets(broker)

    def ends(self, topic: str) -> dict[int, int]:
        return self._offsets.ends(topic)

    def positions(self, group: str, topic: str) -> dict[int, int]:
        return positions(self._offsets.committed(group, topic), self._offsets.starts(topic))

    def dead_letters(self, topic: str, at: datetime) -> Iterator[DeadLetter]:
        return map(unwrap, since(self._broker, dead_letter(topic), int(at.timestamp() * 1000)))

    def absent(self, groups: Iterable[str]) -> list[str]:
        return [group for group, count in members(self._broker, list(groups)).items() if not count]
