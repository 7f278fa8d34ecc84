"""A member of a consumer group. One thread owns it, the group's callbacks included."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from services.common.messages.envelope import Incoming
from services.common.stream.broker import Broker
from services.common.telemetry import metrics
from services.common.telemetry.health import Pulse
from services.common.telemetry.logs import logger

SESSION_MILLISECONDS = 10_000
"""How long the partitions of a killed process stand still."""
PREFETCH_KBYTES = 32 * 1024
STATISTICS_MILLISECONDS = 5_000
METADATA_MILLISECONDS = 30_000
"""How long a new partition of a topic that grows stands still."""

_ADRIFT = (KafkaError._AUTO_OFFSET_RESET, KafkaError._LOG_TRUNCATION)

Place = tuple[str, int]
"""A topic, by our name, and a partition of it."""
Released = Callable[[frozenset[Place], bool], None]
"""Called with the places about to be given up, and whether they are lost already (then another
member may have them and nothing can be committed)."""


def place(incoming: Incoming) -> Place:
    return incoming.topic, incoming.partition


class Member:
    """Reads `topics` as a member of `group`; `released` is called inside `read` and `close`.

    Places of which the group has no offset, or none that the broker still keeps, are `adrift`:
    nothing is read of them until `go_to` says where.
    """

    def __init__(
        self,
        broker: Broker,
        topics: Sequence[str],
        group: str,
        pulse: Pulse,
        released: Released,
        *,
        tell_ends: bool = False,
    ) -> None:
        self.group = group
        self.mine: set[Place] = set()
        self.adrift: set[Place] = set()
        self._broker = broker
        self._pulse = pulse
        self._released = released
        self._paused = False
        self._left: set[Place] = set()
        self._held: list[Incoming] = []
        self._read_out: dict[Place, int] = {}
        own = {"stats_cb": self._on_statistics, "enable.partition.eof": tell_ends}
        self._consumer = Consumer(_config(broker, group) | own)
        self._consumer.subscribe(
            [broker.named(topic) for topic in topics],
            on_assign=self._on_assign,
            on_revoke=lambda _, partitions: self._on_revoke(partitions, lost=False),
            on_lost=lambda _, partitions: self._on_revoke(partitions, lost=True),
        )

    def read(self, count: int, seconds: float) -> list[Incoming]:
        """Up to `count` messages, waiting at most `seconds`; none while paused. Raises
        KafkaException where the consumer cannot go on."""
        self._pulse.touch()
        messages = self._consumer.consume(count, seconds)
        read = [incoming_of(self._broker, one) for one in messages if not self._failed(one)]
        self._held += [incoming for incoming in read if place(incoming) in self.mine]
        if self._paused:
            return []
        batch, self._held = self._held, []
        for incoming in batch:
            metrics.MESSAGES_READ.labels(self.group, incoming.topic).inc()
        return batch

    def pause(self) -> None:
        """Stop reading but stay a member, as long as `read` is called."""
        if not self._paused:
            self._paused = True
            self._consumer.pause(self._consumer.assignment())

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self._consumer.resume(self._partitions(self.mine - self._left))

    def read_out(self) -> dict[Place, int]:
        """The ends of the places of which all was read since this was asked last; only for a
        member that was made with `tell_ends`."""
        found, self._read_out = self._read_out, {}
        return found

    def leave(self, places: Iterable[Place]) -> None:
        """Read no more of these places as long as they are ours."""
        new = set(places) & self.mine - self._left
        self._left |= new
        self.adrift -= new
        self._consumer.pause(self._partitions(new))

    def go_to(self, offsets: Mapping[Place, int]) -> None:
        """Commit where the group is to read on in places that are adrift, and read from there.
        Where that fails they stay adrift."""
        known = {where: offsets[where] for where in self.adrift & offsets.keys()}
        if not known or not self.commit(known):
            return
        partitions = [self._partition(where, offset) for where, offset in known.items()]
        # A partition that stopped for want of an offset cannot be sought in.
        self._consumer.incremental_unassign(partitions)
        self._consumer.incremental_assign(partitions)
        self.adrift -= known.keys()
        for (topic, partition), offset in known.items():
            logger().warning("reading on", topic=topic, partition=partition, offset=offset)

    def commit(self, offsets: Mapping[Place, int]) -> bool:
        """Commit next offsets of places that are ours; false where that failed."""
        partitions = [
            self._partition(where, offset)
            for where, offset in offsets.items()
            if where in self.mine
        ]
        try:
            if partitions:
                self._consumer.commit(offsets=partitions, asynchronous=False)
        except KafkaException as error:
            logger().warning("not committed", error=error.args[0].str())
            return False
        return True

    def close(self) -> None:
        """Give up every partition and leave the group."""
        self._consumer.close()
        self._pulse.assigned = False
        metrics.PARTITIONS.labels(self.group).set(0)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(partitions)
        if self._paused:
            consumer.pause(partitions)
        else:
            # A partition that was lost while paused comes back paused.
            consumer.resume(partitions)
        self.mine |= self._places(partitions)
        self._pulse.assigned = True
        self._tell("partitions assigned", partitions)

    def _on_revoke(self, partitions: list[TopicPartition], *, lost: bool) -> None:
        places = self._places(partitions)
        self._released(places, lost)
        self._forget(places)
        for topic, partition in places:
            metrics.LAG.remove_by_labels(
                {"group": self.group, "topic": topic, "partition": str(partition)}
            )
        self._tell("partitions lost" if lost else "partitions revoked", partitions)

    def _forget(self, places: frozenset[Place]) -> None:
        for known in (self.mine, self.adrift, self._left):
            known -= places
        for where in places:
            self._read_out.pop(where, None)
        self._held = [incoming for incoming in self._held if place(incoming) not in places]

    def _tell(self, event: str, partitions: list[TopicPartition]) -> None:
        metrics.PARTITIONS.labels(self.group).set(len(self.mine))
        changed = sorted(f"{p.topic}[{p.partition}]" for p in partitions)
        logger().info(event, partitions=changed, have=len(self.mine))

    def _on_statistics(self, text: str) -> None:
        statistics = json.loads(text)
        brokers = statistics["brokers"].values()
        self._pulse.connected = any(broker["state"] == "UP" for broker in brokers)
        for topic in statistics["topics"].values():
            name = self._broker.plain(topic["topic"])
            for partition in topic["partitions"].values():
                if (name, partition["partition"]) in self.mine and partition["hi_offset"] >= 0:
                    done = max(partition["committed_offset"], partition["lo_offset"], 0)
                    lag = metrics.LAG.labels(self.group, name, str(partition["partition"]))
                    lag.set(max(0, partition["hi_offset"] - done))

    def _failed(self, message: "Message[bytes, bytes]") -> bool:
        """Whether it is no message but an event of its partition or an error."""
        error = message.error()
        if error is None:
            return False
        if error.fatal():
            raise KafkaException(error)
        topic, partition = message.topic(), message.partition()
        where = (self._broker.plain(topic or ""), -1 if partition is None else partition)
        if error.code() == KafkaError._PARTITION_EOF:
            self._read_out[where] = cast("int", message.offset())
        elif error.code() in _ADRIFT and where in self.mine:
            self.adrift.add(where)
            logger().info("adrift", topic=topic, partition=partition, reason=error.str())
        else:
            logger().warning("read failed", topic=topic, partition=partition, error=error.str())
        return True

    def _partition(self, where: Place, offset: int = OFFSET_INVALID) -> TopicPartition:
        return TopicPartition(self._broker.named(where[0]), where[1], offset)

    def _partitions(self, places: Iterable[Place]) -> list[TopicPartition]:
        return [self._partition(where) for where in places]

    def _places(self, partitions: list[TopicPartition]) -> frozenset[Place]:
        return frozenset((self._broker.plain(p.topic), p.partition) for p in partitions)


def incoming_of(broker: Broker, message: "Message[bytes, bytes]") -> Incoming:
    """A message as the rest of the system sees it."""
    headers = cast("list[tuple[str, bytes | None]]", message.headers() or [])
    return Incoming(
        topic=broker.plain(cast("str", message.topic())),
        partition=cast("int", message.partition()),
        offset=cast("int", message.offset()),
        key=message.key(),
        value=message.value(),
        headers=tuple((name, value or b"") for name, value in headers),
        timestamp=message.timestamp()[1],
    )


def _config(broker: Broker, group: str) -> dict[str, Any]:
    """Classic group protocol: the new one leaves partitions of a killed process for 45 s."""
    return broker.config() | {
        "group.id": broker.named(group),
        "group.protocol": "classic",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": SESSION_MILLISECONDS,
        "heartbeat.interval.ms": SESSION_MILLISECONDS // 5,
        "statistics.interval.ms": STATISTICS_MILLISECONDS,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "topic.metadata.refresh.interval.ms": METADATA_MILLISECONDS,
        "queued.max.messages.kbytes": PREFETCH_KBYTES,
    }
