"""What a dead letter carries, and how many there may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.messages.envelope import InvalidError
from services.common.stream.dead_letters import (
    AMONG,
    MAX_REASON,
    MOST,
    DeadLetters,
    TooManyDeadLettersError,
    letter,
)
from tests.unit.common.stream.fakes import FakeProducer, Journal, incoming


def letters() -> tuple[DeadLetters, FakeProducer]:
    producer = FakeProducer(Journal())
    return DeadLetters(producer, "service"), producer  # type: ignore[arg-type]


def test_a_dead_letter_is_the_message_with_its_origin() -> None:
    made = letter(incoming(7, 3, (("run_id", b"1"),)), "cut off", "processor", 1_795_500_000_000)
    assert (made.topic, made.key, made.value) == ("in.dlq", b"key", b"7")
    assert made.headers == (
        ("run_id", b"1"),
        ("dead_letter_reason", b"cut off"),
        ("dead_letter_service", b"processor"),
        ("dead_letter_topic", b"in"),
        ("dead_letter_partition", b"3"),
        ("dead_letter_offset", b"7"),
        ("dead_letter_at", b"1795500000000"),
    )


@given(reason=st.text(st.characters(), max_size=3 * MAX_REASON) | st.just("\udcff"))
def test_any_reason_can_be_sent(reason: str) -> None:
    made = letter(incoming(0), reason, "processor", 0)
    assert len(dict(made.headers)["dead_letter_reason"]) <= 6 * MAX_REASON


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
