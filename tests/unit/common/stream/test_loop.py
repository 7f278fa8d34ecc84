"""What the loop does in which order, on a group and a producer in memory."""

import threading
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.messages.envelope import BrokenError, Incoming, InvalidError, Outgoing
from services.common.stream import loop, settle
from services.common.stream.broker import Broker
from services.common.stream.dead_letters import MOST, TooManyDeadLettersError
from services.common.stream.producer import ProducerFailedError
from services.common.stream.settle import Handle
from services.common.telemetry.health import Pulse
from tests.unit.common.stream.fakes import FakeMember, FakeProducer, Journal, incoming

Batches = Sequence[Sequence[Incoming]]


class Bench:
    """A loop with everything around it in memory."""

    def __init__(self, *batches: Sequence[Incoming]) -> None:
        self.journal = Journal()
        self.stop = threading.Event()
        self.pulse = Pulse()
        self.producer = FakeProducer(self.journal)
        self.member = FakeMember(self.journal, batches, self.stop)

    def run(self, handle: Handle) -> "Bench":
        def noted(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
            self.journal.append(f"handle {len(batch)}")
            return handle(batch)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "Producer", lambda broker: self.producer)
            patch.setattr(loop, "Member", self.member.join)
            patch.setattr(settle, "FIRST_WAIT", 0.001)
            loop.run(
                Broker("nowhere"),
                ["in"],
                "g",
                noted,
                run_starts=lambda topic: {},
                service="service",
                pulse=self.pulse,
                stop=self.stop,
            )
        return self


def outputs(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
    return [Outgoing("out", one.key, one.value or b"") for one in batch]


def failing(*faults: Exception) -> Handle:
    """Raises each fault once, then works."""
    waiting = list(faults)

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        if waiting:
            raise waiting.pop(0)
        return outputs(batch)

    return handle


def test_offsets_are_committed_after_outputs_are_delivered() -> None:
    bench = Bench([incoming(4), incoming(5), incoming(9, partition=1)]).run(outputs)
    assert bench.journal == [
        "handle 3",
        "send out",
        "send out",
        "send out",
        "flush",
        "commit",
        "close",
    ]
    assert bench.member.commits == [{("in", 0): 6, ("in", 1): 10}]


@given(bad=st.sets(st.integers(0, 19), max_size=6), size=st.integers(1, 20))
def test_exactly_the_invalid_messages_become_dead_letters(bad: set[int], size: int) -> None:
    done: list[int] = []

    def handle(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        if wrong := [one for one in batch if one.offset in bad]:
            raise InvalidError(f"bad {wrong[0].offset}")
        done.extend(one.offset for one in batch)
        return ()

    messages = [incoming(offset) for offset in range(size)]
    bench = Bench(messages).run(handle)
    assert done == [offset for offset in range(size) if offset not in bad]
    letters = [(one.topic, one.value) for one in bench.producer.sent]
    assert letters == [("in.dlq", b"%d" % offset) for offset in sorted(bad) if offset < size]
    assert bench.journal[-3:] == ["flush", "commit", "close"]
    assert bench.member.commits == [{("in", 0): size}]


def test_a_broken_handler_is_waited_out_with_partitions_paused() -> None:
    bench = Bench([incoming(0)])
    seen: list[tuple[str, bool]] = []
    bench.member.during_wait = lambda member: seen.append((bench.pulse.fault, member.paused))
    bench.run(failing(BrokenError("database away")))
    assert bench.journal == [
        "handle 1",
        "pause",
        "handle 1",
        "send out",
        "resume",
        "flush",
        "commit",
        "close",
    ]
    assert set(seen) == {("database away", True)}
    assert bench.pulse.fault == ""


def test_undelivered_outputs_are_waited_for_and_not_made_again() -> None:
    bench = Bench([incoming(0)])
    bench.producer.faults = [BrokenError("1 not delivered"), BrokenError("1 not delivered")]
    bench.run(outputs)
    assert bench.journal.count("handle 1") == 1
    assert bench.journal.count("send out") == 1
    assert bench.journal.count("flush") == 3
    assert bench.member.commits == [{("in", 0): 1}]


def test_stopped_while_waiting_nothing_is_committed() -> None:
    bench = Bench([incoming(0)])
    bench.member.during_wait = lambda member: bench.stop.set()
    bench.run(failing(*[BrokenError("away")] * 1000))
    assert bench.member.commits == []
    assert bench.journal[-1] == "close"


def test_a_refused_commit_is_made_with_a_later_one() -> None:
    bench = Bench([incoming(0)], [], [incoming(1)])
    bench.member.refused_commits = 2
    bench.run(outputs)
    assert bench.journal.count("commit refused") == 2
    assert bench.member.commits[-1] == {("in", 0): 2}


@pytest.mark.parametrize(("lost", "commits"), [(False, [{("in", 0): 1}]), (True, [])])
def test_what_is_finished_is_committed_when_given_up_but_not_when_lost(
    lost: bool, commits: list[dict[tuple[str, int], int]]
) -> None:
    bench = Bench([incoming(0)])
    bench.member.refused_commits = 1

    def give_up(count: int, seconds: float) -> list[Incoming]:
        if bench.member.batches:
            return list(bench.member.batches.pop(0))
        bench.member.released(frozenset({("in", 0)}), lost)
        bench.stop.set()
        return []

    bench.member.read = give_up  # type: ignore[method-assign]
    bench.run(outputs)
    assert bench.member.commits == commits


def test_the_unexpected_is_tried_again_a_few_times() -> None:
    bench = Bench([incoming(0)]).run(failing(*[KeyError("x")] * (settle.TRIES - 1)))
    assert bench.member.commits == [{("in", 0): 1}]
    again = Bench([incoming(0)])
    with pytest.raises(KeyError):
        again.run(failing(*[KeyError("x")] * settle.TRIES))
    assert again.member.commits == []
    assert again.journal[-1] == "close"


@pytest.mark.parametrize("fault", [ProducerFailedError("fenced"), TooManyDeadLettersError("all")])
def test_what_ends_a_service_is_not_tried_again(fault: Exception) -> None:
    bench = Bench([incoming(0)])
    bench.producer.faults = [fault]
    with pytest.raises(type(fault)):
        bench.run(outputs)
    assert bench.journal.count("flush") == 1
    assert bench.member.commits == []


def test_too_many_invalid_messages_end_the_service_before_they_are_committed() -> None:
    def refuse(batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        raise InvalidError("no")

    bench = Bench([incoming(offset) for offset in range(MOST + 1)])
    with pytest.raises(TooManyDeadLettersError, match="latest is in"):
        bench.run(refuse)
    assert len(bench.producer.sent) == MOST
    assert bench.member.commits == []


def test_an_output_that_no_broker_takes_makes_its_message_invalid() -> None:
    bench = Bench([incoming(0), incoming(1)])
    send: Callable[[Outgoing], None] = bench.producer.send

    def refuse(message: Outgoing) -> None:
        if message.topic == "out" and message.value == b"1":
            raise InvalidError("too large")
        send(message)

    bench.producer.send = refuse  # type: ignore[method-assign]
    bench.run(outputs)
    assert [(one.topic, one.value) for one in bench.producer.sent if one.value == b"1"] == [
        ("in.dlq", b"1")
    ]
    assert ("out", b"0") in [(one.topic, one.value) for one in bench.producer.sent]
    assert bench.member.commits == [{("in", 0): 2}]
