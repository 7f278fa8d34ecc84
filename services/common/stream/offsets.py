"""Where groups and topics stand, without joining any group."""

from collections.abc import Mapping
from typing import Any

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

from services.common.messages.envelope import BrokenError
from services.common.stream.broker import Broker

_TIMEOUT = 10.0


class Offsets:
    """Every method raises BrokenError where the broker cannot be asked or refuses."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._admin = AdminClient(broker.config())
        self._readers: dict[str, Consumer] = {}

    def starts(self, topic: str) -> dict[int, int]:
        """The first offset kept of each partition."""
        return self._listed(topic, OffsetSpec.earliest())

    def ends(self, topic: str) -> dict[int, int]:
        """The offset that the next message of each partition will have."""
        return self._listed(topic, OffsetSpec.latest())

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """The next offset of the group by partition; partitions without a commit are left out."""
        wanted = [self._partition(topic, number) for number in self.partitions(topic)]
        try:
            found = self._reader(group).committed(wanted, _TIMEOUT)
        except KafkaException as error:
            raise BrokenError(f"{group}: {error.args[0].str()}") from error
        return {at.partition: at.offset for at in found if at.offset >= 0}

    def commit(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Set where a group without members begins."""
        name = self._broker.named(group)
        wanted = [self._partition(topic, number, offset) for number, offset in offsets.items()]
        asked = self._admin.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(name, wanted)], request_timeout=_TIMEOUT
        )
        for at in _result(asked[name]).topic_partitions:
            if at.error is not None:
                raise BrokenError(f"{group}: {topic}[{at.partition}]: {at.error.str()}")

    def begin(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Let the group begin at these offsets in partitions where it has never committed. The
        broker refuses that of a group with members, but those have begun in the same way."""
        if not (left := _without(offsets, self.committed(group, topic))):
            return
        try:
            self.commit(group, topic, left)
        except BrokenError:
            if _without(offsets, self.committed(group, topic)):
                raise

    def partitions(self, topic: str) -> list[int]:
        """The partitions of a topic."""
        name = self._broker.named(topic)
        try:
            found = self._admin.list_topics(name, timeout=_TIMEOUT).topics[name]
        except KafkaException as error:
            raise BrokenError(f"{topic}: {error.args[0].str()}") from error
        if found.error is not None:
            raise BrokenError(f"{topic}: {found.error.str()}")
        return sorted(found.partitions)

    def _reader(self, group: str) -> Consumer:
        """One that never joins the group. An AdminClient must not ask where a group stands: it
        ends the process with a fault of memory while the broker loads its groups."""
        if group not in self._readers:
            own = {"group.id": self._broker.named(group), "enable.auto.commit": False}
            self._readers[group] = Consumer(self._broker.config() | own)
        self._readers[group].poll(0)  # takes what it has to log
        return self._readers[group]

    def _listed(self, topic: str, spec: OffsetSpec) -> dict[int, int]:
        asked = self._admin.list_offsets(
            {self._partition(topic, number): spec for number in self.partitions(topic)},
            request_timeout=_TIMEOUT,
        )
        return {at.partition: _result(found).offset for at, found in asked.items()}

    def _partition(self, topic: str, number: int, offset: int = OFFSET_INVALID) -> TopicPartition:
        return TopicPartition(self._broker.named(topic), number, offset)


def _without(offsets: Mapping[int, int], known: Mapping[int, int]) -> dict[int, int]:
    return {part: offset for part, offset in offsets.items() if part not in known}


def _result(future: Any) -> Any:
    try:
        return future.result(_TIMEOUT)
    except KafkaException as error:
        raise BrokenError(error.args[0].str()) from error
    except TimeoutError as error:
        raise BrokenError("the broker does not answer") from error
