"""The feed on a real broker: what is committed of work that ends in any order."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from services.common.messages.envelope import Incoming, InvalidError, Outgoing
from services.common.stream.broker import Broker
from services.common.stream.feed import TURN_MESSAGES, Feed, Limits
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.common.telemetry.health import Pulse
from tests.integration.streams import make_topics, produce, read_all

pytestmark = pytest.mark.services
PARTITIONS = 4
PLENTY = Limits(messages=1000, bytes=1 << 20)


@pytest.fixture
def broker(kafka: str, topic_prefix: str) -> Broker:
    return Broker(kafka, topic_prefix)


class Scanner:
    """Takes what the feed gives and finishes it when told to."""

    def __init__(self, broker: Broker, limits: Limits) -> None:
        self.producer = Producer(broker)
        self.pulse = Pulse()
        self.held: dict[bytes, Incoming] = {}
        self.given_up: set[int] = set()
        self.threads: set[str] = set()
        self.feed = Feed(
            broker,
            "in",
            "scanner",
            self.producer,
            run_starts=Offsets(broker).starts,
            service="scanner",
            pulse=self.pulse,
            limits=limits,
            partitions=PARTITIONS,
            on_revoke=self._on_revoke,
        )

    async def _on_revoke(self, partitions: frozenset[int]) -> None:
        self.threads.add(threading.current_thread().name)
        self.given_up |= partitions
        self.held = {v: one for v, one in self.held.items() if one.partition not in partitions}

    async def take(self) -> None:
        async for incoming in self.feed:
            self.held[incoming.value or b""] = incoming

    def finish(self, value: bytes) -> None:
        self.producer.send(Outgoing("out", value, b"scanned " + value))
        self.feed.done(self.held.pop(value))


@asynccontextmanager
async def scanning(broker: Broker, limits: Limits = PLENTY) -> AsyncIterator[Scanner]:
    scanner = Scanner(broker, limits)
    async with scanner.feed, asyncio.TaskGroup() as tasks:
        tasks.create_task(scanner.take())
        yield scanner
        scanner.feed.stop()


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def committed(broker: Broker) -> dict[int, int]:
    return Offsets(broker).committed("scanner", "in")


def test_the_contiguous_finished_prefix_is_committed(broker: Broker) -> None:
    make_topics(broker, "in", "out", partitions=1)
    produce(broker, "in", [b"0", b"1", b"2", b"3"])

    async def scenario() -> None:
        async with scanning(broker) as scanner:
            await until(lambda: len(scanner.held) == 4)
            for value in (b"3", b"0"):
                scanner.finish(value)
            await until(lambda: committed(broker) == {0: 1})
            await asyncio.sleep(1)
            assert committed(broker) == {0: 1}
            for value in (b"2", b"1"):
                scanner.finish(value)
            await until(lambda: committed(broker) == {0: 4})
            assert scanner.pulse.ready
            assert scanner.feed.share == 1 / PARTITIONS

    asyncio.run(scenario())
    assert len(read_all(broker, "out")) == 4


def test_nothing_is_committed_before_its_outputs_are_delivered(broker: Broker) -> None:
    make_topics(broker, "in")
    produce(broker, "in", [b"0"])

    async def scenario() -> None:
        async with scanning(broker) as scanner:
            await until(lambda: scanner.held)
            scanner.finish(b"0")
            await until(lambda: scanner.pulse.fault)
            assert not any(committed(broker).values())
            make_topics(broker, "out")
            await until(lambda: sum(committed(broker).values()) == 1)
            assert scanner.pulse.ready

    asyncio.run(scenario())
    assert [value for value, _ in read_all(broker, "out")] == [b"scanned 0"]


@pytest.mark.parametrize(
    ("limits", "most"),
    [(Limits(50, 1 << 20), 50), (Limits(1000, 100), 100 // 5 + TURN_MESSAGES)],
    ids=["messages", "bytes"],
)
def test_work_in_flight_is_bounded(broker: Broker, limits: Limits, most: int) -> None:
    make_topics(broker, "in", "out")
    produce(broker, "in", [b"%05d" % number for number in range(200)])

    async def scenario() -> int:
        seen = 0
        async with scanning(broker, limits) as scanner:
            while sum(committed(broker).values()) < 200:
                await asyncio.sleep(0.3)
                seen = max(seen, len(scanner.held))
                for value in list(scanner.held):
                    scanner.finish(value)
        return seen

    assert TURN_MESSAGES < asyncio.run(scenario()) <= most


def test_stopping_leaves_what_is_unfinished_to_the_next(broker: Broker) -> None:
    make_topics(broker, "in", "out")
    produce(broker, "in", [b"%d" % number for number in range(40)])

    async def first() -> None:
        async with scanning(broker) as scanner:
            await until(lambda: len(scanner.held) == 40)
            for value in [v for v, one in scanner.held.items() if one.offset < 5]:
                scanner.finish(value)
            scanner.feed.stop()
            await until(lambda: scanner.given_up == {0, 1, 2, 3})
            assert scanner.threads == {"MainThread"}

    async def second() -> set[bytes]:
        async with scanning(broker) as scanner:
            await until(lambda: len(scanner.held) == left)
            return set(scanner.held)

    asyncio.run(first())
    finished = {value.removeprefix(b"scanned ") for value, _ in read_all(broker, "out")}
    assert sum(committed(broker).values()) == len(finished)
    left = 40 - len(finished)
    assert asyncio.run(second()) == {b"%d" % number for number in range(40)} - finished


def test_partitions_move_to_a_second_member_with_what_is_unfinished(broker: Broker) -> None:
    make_topics(broker, "in", "out")
    produce(broker, "in", [b"%d" % number for number in range(80)])

    async def scenario() -> None:
        async with scanning(broker) as first:
            await until(lambda: len(first.held) == 80)
            async with scanning(broker) as second:
                await until(lambda: len(first.given_up) == 2)
                await until(lambda: len(first.held) + len(second.held) == 80)
                assert not set(first.held) & set(second.held)
                assert first.feed.share == second.feed.share == 0.5
                for scanner in (first, second):
                    for value in list(scanner.held):
                        scanner.finish(value)
                await until(lambda: sum(committed(broker).values()) == 80)

    asyncio.run(scenario())
    assert (
        len({value for value, _ in read_all(broker, "out")}) == len(read_all(broker, "out")) == 80
    )


def test_a_refused_message_becomes_a_dead_letter(broker: Broker) -> None:
    make_topics(broker, "in", "in.dlq")
    produce(broker, "in", [b"bad"])

    async def scenario() -> None:
        async with scanning(broker) as scanner:
            await until(lambda: scanner.held)
            scanner.feed.refuse(scanner.held.pop(b"bad"), InvalidError("it is bad"))
            await until(lambda: sum(committed(broker).values()) == 1)

    asyncio.run(scenario())
    [(value, headers)] = read_all(broker, "in.dlq")
    assert value == b"bad"
    assert headers["dead_letter_reason"] == b"it is bad"
