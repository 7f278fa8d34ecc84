"""How many dead letters there may be."""

import pytest

from services.common.messages.envelope import InvalidError
from services.common.stream.dead_letters import AMONG, MOST, DeadLetters, TooManyDeadLettersError
from tests.unit.common.stream.fakes import FakeProducer, Journal, incoming


def letters() -> tuple[DeadLetters, FakeProducer]:
    producer = FakeProducer(Journal())
    return DeadLetters(producer, "service"), producer  # type: ignore[arg-type]


def test_the_limit_is_reached_within_the_last_messages_only() -> None:
    dead, producer = letters()
    for offset in range(MOST):
        dead.seen(AMONG // MOST)
        dead.add(incoming(offset), InvalidError("bad"))
    dead.seen(AMONG // MOST)
    dead.add(incoming(MOST), InvalidError("bad"))
    with pytest.raises(TooManyDeadLettersError, match=r"in\[0\]@999: worse"):
        dead.add(incoming(999), InvalidError("worse"))
    assert len(producer.sent) == MOST + 1


def test_a_few_among_many_never_stop_a_service() -> None:
    dead, producer = letters()
    for offset in range(5 * MOST):
        dead.seen(AMONG // MOST + 1)
        dead.add(incoming(offset), InvalidError("bad"))
    assert len(producer.sent) == 5 * MOST
