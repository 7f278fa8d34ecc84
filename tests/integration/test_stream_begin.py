"""Groups without a usable offset on a real broker: nothing of the open run is lost."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from services.common.messages.envelope import BrokenError, Incoming, Outgoing
from services.common.stream import consumer, replay
from services.common.stream.broker import Broker
from services.common.stream.feed import Feed, Limits
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.common.telemetry.health import Pulse
from tests.integration.streams import Collector, make_topics, produce, running, until

pytestmark = pytest.mark.services

EARLIER = [b"earlier %d" % number for number in range(40)]
OF_RUN = [b"of the run %d" % number for number in range(40)]


@pytest.fixture
def broker(kafka: str, topic_prefix: str) -> Broker:
    made = Broker(kafka, topic_prefix)
    make_topics(made, "in")
    return made


def no_run(topic: str) -> Mapping[int, int]:
    return {}


def committed(broker: Broker) -> dict[int, int]:
    return Offsets(broker).committed("g", "in")


def handled_all(broker: Broker) -> bool:
    return committed(broker) == Offsets(broker).ends("in")


def open_run(broker: Broker) -> dict[int, int]:
    """Messages of a run behind earlier ones; returns where the run begins."""
    produce(broker, "in", EARLIER)
    starts = Offsets(broker).ends("in")
    produce(broker, "in", OF_RUN)
    return starts


def test_a_new_group_begins_at_the_open_run_and_commits_where(broker: Broker) -> None:
    starts = open_run(broker)
    seen = Collector()
    with running(broker, "in", "g", seen, lambda topic: starts):
        until(lambda: handled_all(broker))
    assert sorted(seen.values) == sorted(OF_RUN)


def test_a_new_group_begins_at_the_end_where_no_run_is_open(broker: Broker) -> None:
    produce(broker, "in", EARLIER)
    seen = Collector()
    with running(broker, "in", "g", seen, no_run):
        until(lambda: handled_all(broker))
        produce(broker, "in", OF_RUN)
        until(lambda: handled_all(broker))
    assert sorted(seen.values) == sorted(OF_RUN)


def test_a_group_whose_offsets_are_gone_handles_the_open_run_again(broker: Broker) -> None:
    starts = open_run(broker)
    with running(broker, "in", "g", Collector(), lambda topic: starts):
        until(lambda: handled_all(broker))
    replay.forget(broker, "g")
    assert committed(broker) == {}
    seen = Collector()
    with running(broker, "in", "g", seen, lambda topic: starts) as service:
        until(lambda: handled_all(broker))
        until(lambda: service.pulse.ready)
    assert sorted(seen.values) == sorted(OF_RUN)


def test_where_to_begin_is_waited_for_while_nobody_knows(broker: Broker) -> None:
    starts = open_run(broker)
    faults = [BrokenError("database away"), BrokenError("database away")]

    def run_starts(topic: str) -> Mapping[int, int]:
        if faults:
            raise faults.pop()
        return starts

    seen = Collector()
    with running(broker, "in", "g", seen, run_starts) as service:
        until(lambda: service.pulse.fault == "database away")
        assert committed(broker) == {}
        until(lambda: handled_all(broker))
        until(lambda: service.pulse.ready)
    assert sorted(seen.values) == sorted(OF_RUN)


def test_partitions_of_a_topic_that_grows_under_two_members_lose_nothing(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "METADATA_MILLISECONDS", 500)
    admin, seen = AdminClient(broker.config()), Collector()
    starts: dict[int, int] = {}
    with (
        running(broker, "in", "g", seen, lambda topic: starts),
        running(broker, "in", "g", seen, lambda topic: starts),
    ):
        until(lambda: handled_all(broker))
        [grown] = admin.create_partitions([NewPartitions(broker.named("in"), 8)]).values()
        grown.result(20)
        until(lambda: set(Offsets(broker).partitions("in")) == set(range(8)))
        starts |= until_known(broker)
        produce(broker, "in", OF_RUN)
        until(lambda: handled_all(broker))
    assert sorted(seen.values) == sorted(OF_RUN)


def until_known(broker: Broker) -> dict[int, int]:
    """The ends of the topic, once each partition has a leader."""
    found: dict[int, int] = {}

    def known() -> bool:
        try:
            found.update(Offsets(broker).ends("in"))
        except BrokenError:
            return False
        return len(found) == 8

    until(known)
    return found


def test_a_member_that_retention_overtakes_goes_on_with_what_is_left(broker: Broker) -> None:
    values, seen = [b"%d" % number for number in range(3_000)], Collector()
    produce(broker, "in", values)
    admin, ends = AdminClient(broker.config()), Offsets(broker).ends("in")
    faults = [BrokenError("away")]

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        if faults:
            wanted = [TopicPartition(broker.named("in"), part, at) for part, at in ends.items()]
            for deleted in admin.delete_records(wanted).values():
                deleted.result(20)
            raise faults.pop()  # what was read ahead is thrown away meanwhile
        return seen(batch)

    with running(broker, "in", "g", handle) as service:
        until(lambda: handled_all(broker))
        assert 0 < len(seen.values) < len(values)
        produce(broker, "in", OF_RUN)
        until(lambda: handled_all(broker))
        assert service.error is None
    assert sorted(seen.values[-len(OF_RUN) :]) == sorted(OF_RUN)


ASLEEP = """
import sys, threading
from services.common.stream import consumer, loop
from services.common.stream.broker import Broker
from services.common.telemetry.health import Pulse

def handle(batch):
    print(*(one.value.decode() for one in batch), sep="\\n", flush=True)
    return ()

consumer.SESSION_MILLISECONDS = 6_000
starts = eval(sys.argv[3])
loop.run(Broker(*sys.argv[1:3]), ["in"], "g", handle, run_starts=lambda topic: starts, service="g",
         pulse=Pulse(), stop=threading.Event())
"""


def test_a_member_that_wakes_up_in_a_group_without_offsets_begins_again(broker: Broker) -> None:
    starts = open_run(broker)
    command = [sys.executable, "-c", ASLEEP, broker.bootstrap, broker.prefix, repr(starts)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as member:
        until(lambda: handled_all(broker))
        member.send_signal(signal.SIGSTOP)
        replay.forget(broker, "g")
        produce(broker, "in", [b"of the run, last"])
        member.send_signal(signal.SIGCONT)
        until(lambda: handled_all(broker))
        member.send_signal(signal.SIGKILL)
        assert member.stdout is not None
        said = [line.strip().encode() for line in member.stdout]
    values = [line for line in said if line.startswith((b"of the run", b"earlier"))]
    assert sorted(values) == sorted([*OF_RUN * 2, b"of the run, last"])


def test_a_feed_whose_offsets_are_gone_gets_the_open_run_again(broker: Broker) -> None:
    starts = open_run(broker)
    faults = [BrokenError("database away")]
    pulse = Pulse()

    def run_starts(topic: str) -> Mapping[int, int]:
        if faults:
            raise faults.pop()
        return starts

    async def on_revoke(partitions: frozenset[int]) -> None: ...

    async def finish_all() -> list[bytes]:
        feed = Feed(
            broker,
            "in",
            "g",
            Producer(broker),
            run_starts=run_starts,
            service="g",
            pulse=pulse,
            limits=Limits(1000, 1 << 20),
            partitions=4,
            on_revoke=on_revoke,
        )
        seen = []
        async with asyncio.timeout(60), feed:
            async for incoming in feed:
                seen.append(incoming.value or b"")
                feed.done(incoming)
                if len(seen) == len(OF_RUN):
                    await asyncio.to_thread(until, lambda: handled_all(broker))
                    feed.stop()
        return seen

    assert sorted(asyncio.run(finish_all())) == sorted(OF_RUN)
    assert faults == []
    replay.forget(broker, "g")
    assert sorted(asyncio.run(finish_all())) == sorted(OF_RUN)
