"""The loop on a real broker: what is committed when, and what happens when things break."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.common.messages.envelope import BrokenError, Incoming, InvalidError, Outgoing
from services.common.stream.broker import Broker
from services.common.stream.dead_letters import TooManyDeadLettersError
from services.common.stream.offsets import Offsets
from services.common.stream.settle import TRIES
from tests.integration.streams import (
    Collector,
    make_topics,
    produce,
    read_all,
    running,
    until,
)

pytestmark = pytest.mark.services


@pytest.fixture
def broker(kafka: str, topic_prefix: str) -> Broker:
    return Broker(kafka, topic_prefix)


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def committed(broker: Broker, group: str, topic: str) -> int:
    return sum(Offsets(broker).committed(group, topic).values())


def test_outputs_are_delivered_before_offsets_are_committed(broker: Broker) -> None:
    make_topics(broker, "in")
    produce(broker, "in", numbered(20))

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        return [Outgoing("out", one.key, b"seen " + (one.value or b"")) for one in batch]

    with running(broker, "in", "g", handle) as service:
        until(lambda: service.pulse.fault)
        assert committed(broker, "g", "in") == 0
        assert not service.pulse.ready
        make_topics(broker, "out")
        until(lambda: committed(broker, "g", "in") == 20)
        until(lambda: service.pulse.ready)
    outputs = [value for value, _ in read_all(broker, "out")]
    assert sorted(outputs) == sorted(b"seen " + value for value in numbered(20))


def test_an_invalid_message_becomes_a_dead_letter_and_the_others_go_on(broker: Broker) -> None:
    make_topics(broker, "in", "in.dlq")
    good = Collector()

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        for incoming in batch:
            if incoming.value in (b"13", b"77"):
                raise InvalidError(f"no {incoming.value.decode()} here")
        return good(batch)

    produce(broker, "in", numbered(100))
    with running(broker, "in", "g", handle):
        until(lambda: committed(broker, "g", "in") == 100)
    assert sorted(good.values) == sorted(set(numbered(100)) - {b"13", b"77"})
    letters = dict(read_all(broker, "in.dlq"))
    assert set(letters) == {b"13", b"77"}
    headers = letters[b"13"]
    assert headers["run_id"] == b"1"
    assert headers["dead_letter_reason"] == b"no 13 here"
    assert headers["dead_letter_topic"] == b"in"
    assert headers["dead_letter_service"] == b"g"
    assert int(headers["dead_letter_at"]) == pytest.approx(time.time() * 1000, abs=60_000)


def test_more_invalid_messages_than_allowed_stop_the_service(broker: Broker) -> None:
    make_topics(broker, "in", "in.dlq", partitions=1)
    produce(broker, "in", numbered(150))

    def refuse(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        raise InvalidError("all wrong")

    with running(broker, "in", "g", refuse) as service:
        until(lambda: service.error)
    assert isinstance(service.error, TooManyDeadLettersError)
    assert committed(broker, "g", "in") == 0


def test_a_broken_database_is_waited_out(broker: Broker) -> None:
    make_topics(broker, "in")
    produce(broker, "in", numbered(50))
    stored = Collector()
    faults = iter(["down", "still down"])

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        if (fault := next(faults, None)) is not None:
            raise BrokenError(fault)
        return stored(batch)

    with running(broker, "in", "g", handle) as service:
        until(lambda: service.pulse.fault == "still down")
        assert not service.pulse.ready
        assert committed(broker, "g", "in") == 0
        until(lambda: committed(broker, "g", "in") == 50)
        assert service.pulse.ready
    assert sorted(stored.values) == sorted(numbered(50))


def test_an_unexpected_fault_ends_the_service_after_a_few_tries(broker: Broker) -> None:
    make_topics(broker, "in")
    produce(broker, "in", [b"x"])
    tries = []

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        tries.append(batch)
        raise ZeroDivisionError

    with running(broker, "in", "g", handle) as service:
        until(lambda: service.error)
    assert isinstance(service.error, ZeroDivisionError)
    assert len(tries) == TRIES
    assert committed(broker, "g", "in") == 0


def test_members_that_come_and_go_lose_and_double_nothing(broker: Broker) -> None:
    make_topics(broker, "in", partitions=6)
    stored = Collector()

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        time.sleep(0.05)
        return stored(batch)

    with running(broker, "in", "g", handle):
        produce(broker, "in", numbered(2000))
        with running(broker, "in", "g", handle) as second:
            until(lambda: second.pulse.assigned)
            produce(broker, "in", numbered(2000))
            until(lambda: len(stored.values) > 2000)
        produce(broker, "in", numbered(2000))
        until(lambda: committed(broker, "g", "in") == 6000)
    assert Counter(stored.values) == dict.fromkeys(numbered(2000), 3)


KILLED = """
import sys, threading
from services.common.stream import loop
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.common.telemetry.health import Pulse

def handle(batch):
    print(len(batch), flush=True)
    return ()

broker = Broker(*sys.argv[1:3])
loop.run(broker, ["in"], "g", handle, run_starts=Offsets(broker).starts, service="g",
         pulse=Pulse(), stop=threading.Event())
"""


def test_partitions_of_a_killed_process_are_taken_over(broker: Broker) -> None:
    make_topics(broker, "in")
    produce(broker, "in", numbered(10))
    command = [sys.executable, "-c", KILLED, broker.bootstrap, broker.prefix]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as killed:
        assert killed.stdout is not None
        while not killed.stdout.readline().strip().isdigit():
            assert killed.poll() is None
        until(lambda: committed(broker, "g", "in") == 10)
        killed.send_signal(signal.SIGKILL)
    stored = Collector()
    produce(broker, "in", numbered(40))
    with running(broker, "in", "g", stored):
        assert until(lambda: len(stored.values) >= 40) < 12
        until(lambda: committed(broker, "g", "in") == 50)
    assert sorted(stored.values) == sorted(numbered(40))
