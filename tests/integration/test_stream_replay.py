"""A replay on a real broker: all of its window and nothing else, whoever dies."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import Producer as PlainProducer
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from services.common.messages.envelope import (
    BrokenError,
    Incoming,
    InvalidError,
    Outgoing,
    run_header,
)
from services.common.messages.window import Window
from services.common.stream import replay
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.common.stream.replay import ExpiredError
from services.common.stream.settle import Handle
from services.common.telemetry.health import Pulse
from tests.integration.streams import Collector, make_topics, read_all, until

pytestmark = pytest.mark.services
RUN = 7
GROUP = "regrade-1"


@pytest.fixture
def broker(kafka: str, topic_prefix: str) -> Broker:
    made = Broker(kafka, topic_prefix)
    make_topics(made, "in", "out")
    return made


def add(broker: Broker, first: int, count: int, run: int = RUN) -> list[bytes]:
    """Messages `first` … of a run, over all partitions; returns their values."""
    values = [b"%d %d" % (run, number) for number in range(first, first + count)]
    producer = Producer(broker)
    for value in values:
        producer.send(Outgoing("in", value, value, (run_header(run),)))
    producer.flush()
    return values


def window_around(broker: Broker, count: int) -> tuple[Window, list[bytes]]:
    """A window with `count` messages of the run in it, others before, between and behind them."""
    offsets = Offsets(broker)
    add(broker, 0, 20)
    starts = offsets.ends("in")
    values = add(broker, 1000, count // 2)
    add(broker, 0, 30, run=RUN + 1)
    values += add(broker, 2000, count - count // 2)
    window = Window("in", starts, offsets.ends("in"))
    add(broker, 3000, 50)
    return window, values


class Replay:
    """A worker in a thread."""

    def __init__(
        self, broker: Broker, window: Window, handle: Handle, rate: float | None = None
    ) -> None:
        self.pulse, self.stop = Pulse(), threading.Event()
        self.refused: list[tuple[bytes | None, str]] = []
        self.refusals: list[Exception] = []
        """Raised by the next refusals."""
        self.error: BaseException | None = None
        self._work = partial(
            replay.run,
            broker,
            window,
            GROUP,
            handle,
            keep=RUN,
            refuse=self._refuse,
            rate=rate,
            pulse=self.pulse,
            stop=self.stop,
        )
        self.thread = threading.Thread(target=self._run)

    def start(self) -> "Replay":
        self.thread.start()
        return self

    def end(self, seconds: float = 30) -> "Replay":
        self.thread.join(seconds)
        assert not self.thread.is_alive()
        return self

    def close(self) -> None:
        self.stop.set()
        self.end()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self.error = error

    def _refuse(self, incoming: Incoming, fault: InvalidError) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.refused.append((incoming.value, str(fault)))


def replayed(broker: Broker, window: Window, handle: Handle) -> Replay:
    """A whole replay by one worker."""
    replay.begin(Offsets(broker), window, GROUP)
    with closing(Replay(broker, window, handle).start()) as worker:
        return worker.end()


def delete_before(broker: Broker, offsets: dict[int, int]) -> None:
    admin = AdminClient(broker.config())
    wanted = [TopicPartition(broker.named("in"), part, at) for part, at in offsets.items()]
    for deleted in admin.delete_records(wanted).values():
        deleted.result(20)


def test_the_messages_of_the_run_in_the_window_are_handled_and_no_others(broker: Broker) -> None:
    window, values = window_around(broker, 400)
    seen = Collector()

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        add(broker, 5000, 3)  # the topic grows while it is read
        seen(batch)
        return [Outgoing("out", one.key, one.value or b"") for one in batch]

    assert replayed(broker, window, handle).error is None
    assert sorted(seen.values) == sorted(values)
    assert sorted(value for value, _ in read_all(broker, "out")) == sorted(values)
    assert Offsets(broker).committed(GROUP, "in") == window.ends
    replay.forget(broker, GROUP)
    assert Offsets(broker).committed(GROUP, "in") == {}
    replay.forget(broker, GROUP)


def test_a_window_whose_last_offsets_hold_no_message_comes_to_its_end(broker: Broker) -> None:
    starts = Offsets(broker).ends("in")
    transactional = {"bootstrap.servers": broker.bootstrap, "transactional.id": broker.prefix}
    producer = PlainProducer(transactional)
    producer.init_transactions(20)
    for end in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        for part in starts:
            value, headers = end.__name__.encode(), dict([run_header(RUN)])
            producer.produce(broker.named("in"), value, partition=part, headers={**headers})
        producer.flush(20)
        end(20)
    until(lambda: set(Offsets(broker).ends("in").values()) == {4})
    window = Window("in", starts, Offsets(broker).ends("in"))
    seen = Collector()
    assert replayed(broker, window, seen).error is None
    assert seen.values == [b"commit_transaction"] * len(starts)


def test_an_empty_window_is_over_at_once_whatever_became_of_its_offsets(broker: Broker) -> None:
    add(broker, 0, 50)
    ends = Offsets(broker).ends("in")
    window = Window("in", ends, ends)
    add(broker, 50, 50)
    delete_before(broker, Offsets(broker).ends("in"))
    replay.check(Offsets(broker), window)
    seen = Collector()
    assert replayed(broker, window, seen).error is None
    assert seen.values == []


def test_invalid_messages_are_refused_and_what_is_broken_is_waited_for(broker: Broker) -> None:
    window, values = window_around(broker, 60)
    bad = values[13]
    good, faults = Collector(), [BrokenError("database away")]

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        if faults:
            raise faults.pop()
        if any(one.value == bad for one in batch):
            raise InvalidError("no such thing")
        return good(batch)

    worker = Replay(broker, window, handle)
    worker.refusals = [BrokenError("still away")]
    replay.begin(Offsets(broker), window, GROUP)
    with closing(worker.start()):
        worker.end()
    assert worker.error is None
    assert worker.refused == [(bad, "no such thing")]
    assert sorted([*good.values, bad]) == sorted(values)


def test_stopped_and_started_again_it_goes_on_where_it_was(broker: Broker) -> None:
    window, values = window_around(broker, 300)
    seen = Collector()
    offsets = Offsets(broker)
    replay.begin(offsets, window, GROUP)
    with closing(Replay(broker, window, seen, rate=200).start()) as worker:
        until(lambda: seen.values)
        worker.stop.set()
        worker.end()
    before = window.done(offsets.committed(GROUP, "in"))
    assert 0 < len(seen.values) < 300
    assert before < window.size
    replay.begin(offsets, window, GROUP)
    assert window.done(offsets.committed(GROUP, "in")) == before
    with closing(Replay(broker, window, seen).start()) as worker:
        worker.end()
    assert sorted(seen.values) == sorted(values)


KILLED = """
import sys, threading, time
from services.common.messages.window import Window
from services.common.stream import replay
from services.common.stream.broker import Broker
from services.common.telemetry.health import Pulse

def handle(batch):
    for one in batch:
        print(one.value.decode(), flush=True)
    return ()

starts, ends = eval(sys.argv[3])
replay.run(Broker(*sys.argv[1:3]), Window("in", starts, ends), "regrade-1", handle, keep=7,
           refuse=lambda incoming, fault: None, rate=20, pulse=Pulse(), stop=threading.Event())
"""


def test_what_a_killed_worker_had_is_done_by_the_others(broker: Broker) -> None:
    window, values = window_around(broker, 200)
    replay.begin(Offsets(broker), window, GROUP)
    given = [broker.bootstrap, broker.prefix, repr((dict(window.starts), dict(window.ends)))]
    seen = Collector()
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, *given],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as killed:
        assert killed.stdout is not None
        while not (first := killed.stdout.readline()).startswith("7 "):
            assert killed.poll() is None
        with closing(Replay(broker, window, seen).start()) as worker:
            until(lambda: len(seen.values) > 40)
            assert worker.thread.is_alive()
            killed.send_signal(signal.SIGKILL)
            worker.end(40)
        assert worker.error is None
        said = {line.strip().encode() for line in [first, *killed.stdout]}
    assert 0 < len(said & set(values)) < 200
    assert said & set(values) | set(seen.values) == set(values)
    assert set(seen.values) <= set(values)


def test_no_more_are_handled_than_the_rate_allows(broker: Broker) -> None:
    window, _ = window_around(broker, 400)
    times: list[float] = []

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        times.extend([time.monotonic()] * len(batch))
        return ()

    replay.begin(Offsets(broker), window, GROUP)
    with closing(Replay(broker, window, handle, rate=200).start()) as worker:
        worker.end()
    assert len(times) == 400
    after_first = len([at for at in times if at > times[0]])
    assert 130 < after_first / (times[-1] - times[0]) < 220


def test_a_slow_rate_ends_when_told_to(broker: Broker) -> None:
    window, _ = window_around(broker, 400)
    seen = Collector()
    replay.begin(Offsets(broker), window, GROUP)
    with closing(Replay(broker, window, seen, rate=0.1).start()) as worker:
        until(lambda: seen.values)
        worker.stop.set()
        worker.end(5)
    assert worker.error is None
    assert len(seen.values) == 1


def test_a_window_that_has_expired_is_named(broker: Broker) -> None:
    window, _ = window_around(broker, 100)
    offsets = Offsets(broker)
    replay.check(offsets, window)
    start, end = window.starts[2], window.ends[2]
    delete_before(broker, {2: start + 3})
    with pytest.raises(ExpiredError) as raised:
        replay.check(offsets, window)
    assert f"window of in: partition 2 has lost offsets {start} to {start + 2}" in str(raised.value)
    assert f"of {start} to {end - 1}." in str(raised.value)
    assert "reprocess RUN --from DIR" in str(raised.value)
    seen = Collector()
    assert isinstance(replayed(broker, window, seen).error, ExpiredError)
    assert offsets.committed(GROUP, "in")[2] == start


def test_offsets_that_vanish_under_a_replay_are_an_error_and_no_gap(broker: Broker) -> None:
    window, _ = window_around(broker, 400)
    gone: list[bytes] = []

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        if not gone:
            gone.append(b"")
            delete_before(broker, dict(window.ends))
            raise BrokenError("a while")  # what was read ahead is thrown away meanwhile
        return ()

    replay.begin(Offsets(broker), window, GROUP)
    with closing(Replay(broker, window, handle, rate=100).start()) as worker:
        worker.end()
    assert isinstance(worker.error, ExpiredError)
    assert not window.passed(Offsets(broker).committed(GROUP, "in"))


def test_a_replay_that_lost_its_offsets_begins_again(broker: Broker) -> None:
    window, values = window_around(broker, 100)
    seen = Collector()
    with closing(Replay(broker, window, seen).start()) as worker:
        worker.end()
    assert worker.error is None
    assert sorted(seen.values) == sorted(values)


def test_a_group_with_members_is_not_forgotten(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, _ = window_around(broker, 40)
    seen = Collector()
    monkeypatch.setattr(replay, "LEAVE_SECONDS", 0.5)
    replay.begin(Offsets(broker), window, GROUP)
    with closing(Replay(broker, window, seen, rate=1).start()):
        until(lambda: seen.values)
        with pytest.raises(BrokenError, match=GROUP):
            replay.forget(broker, GROUP)
