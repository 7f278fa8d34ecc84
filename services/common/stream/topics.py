"""What every topic must be, and making it so."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
    TopicDescription,
)

from services.common.messages import topics
from services.common.messages.envelope import BrokenError
from services.common.stream.broker import Broker

MAX_MESSAGE_BYTES = 2 * 1024 * 1024
MAX_DEAD_LETTER_BYTES = MAX_MESSAGE_BYTES + 64 * 1024
"""Room for the headers that say where a message of the greatest size came from."""

MEND = "dnstats topics apply"
_FIRST_TIMEOUT = 5.0
_TIMEOUT = 15.0
_HOUR = 3_600_000
DAY = 24 * _HOUR
_RETENTION = {
    topics.SCAN_REQUESTS: 7 * DAY,
    topics.SCAN_RESULTS: 60 * DAY,
    topics.GRADE_REQUESTS: 60 * DAY,
    topics.RUN_EVENTS: 365 * DAY,
}
_DEAD_LETTER_RETENTION = 60 * DAY


@dataclass(frozen=True, slots=True)
class Layout:
    """What differs between installations: one local broker has replication 1."""

    partitions: int = 24
    replication: int = 3


@dataclass(frozen=True, slots=True)
class Spec:
    """One topic as it must be."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about one topic that is not as it must be. `setting` is "topic", "partitions",
    "replication" or the name of a configuration entry."""

    topic: str
    setting: str
    found: str
    wanted: str

    def __str__(self) -> str:
        if self.setting == "topic":
            return f"topic {self.topic} does not exist"
        return f"topic {self.topic}: {self.setting} is {self.found}, must be {self.wanted}"


class TopicsError(Exception):
    """Topics are not as they must be; the text says which and what to do."""


def specs(layout: Layout) -> list[Spec]:
    """Every topic and its dead-letter topic. Order matters within run-events and dead letters,
    not throughput: they have one partition."""
    wanted = []
    for name in topics.TOPICS:
        partitions = 1 if name == topics.RUN_EVENTS else layout.partitions
        wanted.append(_spec(name, partitions, layout, _RETENTION[name], MAX_MESSAGE_BYTES))
        letters = topics.dead_letter(name)
        wanted.append(_spec(letters, 1, layout, _DEAD_LETTER_RETENTION, MAX_DEAD_LETTER_BYTES))
    return wanted


def _spec(name: str, partitions: int, layout: Layout, retention: int, size: int) -> Spec:
    config = {
        "cleanup.policy": "delete",
        "retention.ms": str(retention),
        "retention.bytes": "-1",
        "max.message.bytes": str(size),
        "min.insync.replicas": str(max(1, layout.replication - 1)),
    }
    return Spec(name, partitions, layout.replication, config)


def differences(broker: Broker, layout: Layout) -> list[Difference]:
    """What is not as `layout` wants it. Raises BrokenError where the broker cannot be asked."""
    return _Topics(broker, layout).differences()


def verify(broker: Broker, layout: Layout) -> None:
    """Raises TopicsError naming every difference and the command that mends it; BrokenError."""
    found = differences(broker, layout)
    if found:
        raise TopicsError("\n".join([*map(str, found), f"mend it with: {MEND}"]))


def apply(broker: Broker, layout: Layout) -> list[Difference]:
    """Make missing topics, add partitions and set configuration; returns what was mended. Raises
    TopicsError for what cannot be changed (fewer partitions, replication) before any change."""
    return _Topics(broker, layout).apply()


class _Topics:
    def __init__(self, broker: Broker, layout: Layout) -> None:
        self._broker = broker
        self._specs = {broker.named(spec.name): spec for spec in specs(layout)}
        self._admin = AdminClient(broker.config())

    def differences(self) -> list[Difference]:
        described = self._described()
        configs = self._configs(list(described))
        found = []
        for name, spec in self._specs.items():
            if name not in described:
                found.append(Difference(name, "topic", "missing", "there"))
            else:
                found += _shape(name, spec, described[name])
                found += _settings(name, spec, configs[name])
        return found

    def apply(self) -> list[Difference]:
        found = self.differences()
        refused = [str(difference) for difference in found if not _mendable(difference)]
        if refused:
            raise TopicsError(
                "\n".join([*refused, "this cannot be changed on a topic that exists"])
            )
        self._create([d.topic for d in found if d.setting == "topic"])
        self._grow([d for d in found if d.setting == "partitions"])
        self._configure([d for d in found if d.setting not in {"topic", "partitions"}])
        self._await_agreement()
        return found

    def _await_agreement(self) -> None:
        """The brokers tell each other of changes only after they have confirmed them."""
        until = time.monotonic() + _TIMEOUT
        while left := self.differences():
            if time.monotonic() > until:
                raise BrokenError("confirmed but not done: " + "; ".join(map(str, left)))
            time.sleep(0.1)

    def _described(self) -> dict[str, TopicDescription]:
        """Descriptions of those topics that exist."""
        try:
            there = self._admin.list_topics(timeout=_FIRST_TIMEOUT).topics
        except KafkaException as error:
            raise BrokenError(f"{self._broker.bootstrap}: {error.args[0].str()}") from error
        names = [name for name in self._specs if name in there]
        if not names:
            return {}
        asked = self._admin.describe_topics(TopicCollection(names), request_timeout=_TIMEOUT)
        return _results(asked)

    def _configs(self, names: list[str]) -> dict[str, dict[str, ConfigEntry]]:
        if not names:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        asked = self._admin.describe_configs(resources, request_timeout=_TIMEOUT)
        return {resource.name: entries for resource, entries in _results(asked).items()}

    def _create(self, names: list[str]) -> None:
        wanted = [self._specs[name] for name in names]
        new = [
            NewTopic(name, spec.partitions, spec.replication, config=dict(spec.config))
            for name, spec in zip(names, wanted, strict=True)
        ]
        if new:
            _results(self._admin.create_topics(new, request_timeout=_TIMEOUT))

    def _grow(self, found: list[Difference]) -> None:
        new = [NewPartitions(d.topic, int(d.wanted)) for d in found]
        if new:
            _results(self._admin.create_partitions(new, request_timeout=_TIMEOUT))

    def _configure(self, found: list[Difference]) -> None:
        entries: dict[str, list[ConfigEntry]] = {}
        for d in found:
            entry = ConfigEntry(d.setting, d.wanted, incremental_operation=AlterConfigOpType.SET)
            entries.setdefault(d.topic, []).append(entry)
        resources = [
            ConfigResource(ResourceType.TOPIC, name, incremental_configs=changes)
            for name, changes in entries.items()
        ]
        if resources:
            asked = self._admin.incremental_alter_configs(resources, request_timeout=_TIMEOUT)
            _results(asked)


def _results(futures: Mapping[Any, Any]) -> dict[Any, Any]:
    """The results of an admin call, or BrokenError with the broker's words."""
    try:
        return {key: future.result(_TIMEOUT) for key, future in futures.items()}
    except KafkaException as error:
        raise BrokenError(error.args[0].str()) from error


def _shape(name: str, spec: Spec, topic: TopicDescription) -> list[Difference]:
    found = []
    if len(topic.partitions) != spec.partitions:
        found.append(
            Difference(name, "partitions", str(len(topic.partitions)), str(spec.partitions))
        )
    replicas = {len(partition.replicas) for partition in topic.partitions}
    if replicas != {spec.replication}:
        have = ", ".join(map(str, sorted(replicas)))
        found.append(Difference(name, "replication", have, str(spec.replication)))
    return found


def _settings(name: str, spec: Spec, entries: Mapping[str, ConfigEntry]) -> list[Difference]:
    return [
        Difference(name, setting, str(entries[setting].value), wanted)
        for setting, wanted in spec.config.items()
        if entries[setting].value != wanted
    ]


def _mendable(difference: Difference) -> bool:
    if difference.setting == "partitions":
        return int(difference.found) < int(difference.wanted)
    return difference.setting != "replication"
