"""What a dead letter carries, and that it comes back as it was."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.common.messages.dead_letter import MAX_REASON, unwrap, wrap
from services.common.messages.envelope import Incoming, Outgoing

MESSAGE = Incoming("in", 3, 7, b"key", b"value", (("run_id", b"1"),), 0)


def _lying(letter: Outgoing, timestamp: int = 0) -> Incoming:
    return Incoming(letter.topic, 0, 17, letter.key, letter.value, letter.headers, timestamp)


def test_a_dead_letter_is_the_message_with_its_origin() -> None:
    made = wrap(MESSAGE, "cut off", "processor", 1_795_500_000_000)
    assert (made.topic, made.key, made.value) == ("in.dlq", b"key", b"value")
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
    made = wrap(MESSAGE, reason, "processor", 0)
    assert len(dict(made.headers)["dead_letter_reason"]) <= 6 * MAX_REASON


@given(
    key=st.none() | st.binary(),
    value=st.binary(),
    headers=st.lists(st.tuples(st.text(), st.binary())),
    partition=st.integers(0, 100),
    offset=st.integers(0, 2**59),
    at=st.integers(0, 2**50),
)
def test_a_message_comes_back_as_it_was(
    key: bytes | None,
    value: bytes,
    headers: list[tuple[str, bytes]],
    partition: int,
    offset: int,
    at: int,
) -> None:
    message = Incoming("in", partition, offset, key, value, tuple(headers), 0)
    letter = unwrap(_lying(wrap(message, "cut off", "processor", at)))
    assert letter.origin == message
    assert (letter.id, letter.service, letter.reason, letter.at) == (
        "in.dlq:0:17",
        "processor",
        "cut off",
        at,
    )


def test_the_run_is_that_of_the_header() -> None:
    def run(*headers: tuple[str, bytes]) -> int | None:
        message = replace(MESSAGE, headers=headers)
        return unwrap(_lying(wrap(message, "", "", 0))).run

    assert run(("run_id", b"7")) == 7
    assert run() is None
    assert run(("run_id", b"seven")) is None
    assert run(("run_id", b"")) is None
    assert run(("run_id", b"9" * 30)) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["dead_letter_at", "dead_letter_partition", "dead_letter_reason"]),
            st.binary(),
        )
    )
)
def test_what_a_stranger_put_there_can_be_read(headers: list[tuple[str, bytes]]) -> None:
    letter = unwrap(Incoming("in.dlq", 0, 5, None, None, tuple(headers), 99))
    assert letter.id == "in.dlq:0:5"
    assert letter.origin.topic == "in"


def test_a_letter_without_origin_has_the_time_of_its_message() -> None:
    letter = unwrap(Incoming("in.dlq", 0, 5, None, b"?", (), 99))
    assert (letter.origin.partition, letter.origin.offset, letter.at) == (-1, -1, 99)
