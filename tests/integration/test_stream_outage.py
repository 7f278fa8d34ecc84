"""A broker that is killed and comes back: everything waits, nothing is lost."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from deploy.local.kafka import Kafka
from services.common.messages.envelope import BrokenError, Incoming, Outgoing
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from tests.integration.streams import Collector, make_topics, produce, read_all, running, until

pytestmark = pytest.mark.services


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Kafka]:
    with Kafka(tmp_path / "kafka", quick=True, heap="256m") as kafka:
        yield kafka


def test_a_killed_broker_is_waited_for(own_kafka: Kafka) -> None:
    broker = Broker(own_kafka.bootstrap)
    make_topics(broker, "in", "out")
    seen = Collector()

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        seen(batch)
        return [Outgoing("out", one.key, one.value or b"") for one in batch]

    values = [b"%d" % number for number in range(400)]
    with running(broker, "in", "g", handle) as service:
        produce(broker, "in", values[:200])
        until(lambda: len(seen.values) >= 100)
        own_kafka.child.kill()
        producer = Producer(broker)
        for value in values[200:]:
            producer.send(Outgoing("in", value, value))
        own_kafka.stop()
        own_kafka.start()
        own_kafka.wait()
        producer.flush(60)
        until(lambda: set(seen.values) == set(values), 60)
        until(lambda: sum(Offsets(broker).committed("g", "in").values()) == 400, 60)
        assert service.error is None
        until(lambda: service.pulse.ready)
    assert {value for value, _ in read_all(broker, "out")} == set(values)


def test_where_a_group_stands_is_asked_again_and_again_while_the_broker_starts(
    own_kafka: Kafka,
) -> None:
    broker = Broker(own_kafka.bootstrap)
    make_topics(broker, "in")
    stands = {0: 1, 1: 2, 2: 3, 3: 4}
    offsets = Offsets(broker)
    until(lambda: _told(lambda: offsets.begin("g", "in", stands)))
    own_kafka.stop()
    assert not _told(lambda: offsets.committed("g", "in"))
    own_kafka.start()
    until(lambda: _told(lambda: offsets.committed("g", "in")), 60)
    assert offsets.committed("g", "in") == stands


def _told(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except BrokenError:
        return False
    return True
