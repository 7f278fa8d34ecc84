"""Dead letters at the broker, and in the database which of them were dealt with."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Engine

from services.common.messages.dead_letter import DeadLetter, unwrap
from services.common.messages.topics import dead_letter
from services.common.messages.window import Window
from services.common.store import handled_letters
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.common.stream.window import since, within
from services.scheduler.adapters.transaction import transaction


class StoredLetters:
    """The port `HandledLetters`, and the letters themselves. Raises BrokenError."""

    def __init__(self, engine: Engine, broker: Broker) -> None:
        self._engine = engine
        self._broker = broker

    def note(self, letters: Iterable[DeadLetter], action: str, now: datetime) -> None:
        places = [(letter.topic, letter.partition, letter.offset) for letter in letters]
        with transaction(self._engine) as connection:
            handled_letters.note(connection, places, action, now)

    def handled(self) -> dict[str, str]:
        """What was done with each letter that was dealt with, by its id."""
        with transaction(self._engine) as connection:
            found = handled_letters.load(connection)
        return {":".join(map(str, where)): action for where, action in found.items()}

    def read(self, topics: Sequence[str]) -> Iterator[DeadLetter]:
        """Every letter about messages of these topics, oldest first in each."""
        for topic in topics:
            yield from map(unwrap, since(self._broker, dead_letter(topic), 0))

    def find(self, topic: str, partition: int, offset: int) -> DeadLetter | None:
        """The letter that lies there, about a message of `topic`."""
        lies_in = dead_letter(topic)
        offsets = Offsets(self._broker)
        first, end = offsets.starts(lies_in), offsets.ends(lies_in)
        if not first.get(partition, 0) <= offset < end.get(partition, 0):
            return None
        window = Window(lies_in, {partition: offset}, {partition: offset + 1})
        return next(map(unwrap, within(self._broker, window, partition)), None)
