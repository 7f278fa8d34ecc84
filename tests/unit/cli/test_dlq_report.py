"""What is said of a dead letter, whatever is in it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.cli.dlq_report import about, details, line, summary, text
from services.common.messages.dead_letter import DeadLetter
from services.common.messages.envelope import Incoming, run_header
from services.common.messages.scan_request import BatchSite, ScanRequest
from services.common.messages.topics import SCAN_REQUESTS, SCAN_RESULTS, TOPICS

ORIGIN = Incoming(SCAN_RESULTS, 3, 1204, b"s7.test", b"?", (run_header(7),), 0)
LETTER = DeadLetter(0, 17, ORIGIN, "processor", "cut off", 1_795_500_000_000)
BATCH = ScanRequest(7, 12, 0, 0, b"secret", "normal", (BatchSite(1, "a.test", 1),))


def test_a_line_says_which_when_who_where_and_why() -> None:
    assert line(summary(LETTER, None)) == (
        "scan-results.dlq:0:17  2026-11-24T06:00:00  processor  run 7  s7.test\n"
        "    scan-results[3]@1204: cut off"
    )
    assert line(summary(LETTER, "dropped")).splitlines()[0].endswith("s7.test  (dropped)")


def test_a_batch_is_named_by_its_number() -> None:
    origin = replace(ORIGIN, topic=SCAN_REQUESTS, value=BATCH.encode())
    assert about(replace(LETTER, origin=origin)) == "batch 12 (1 sites)"
    damaged = replace(origin, value=b"?")
    assert about(replace(LETTER, origin=damaged)) == "a batch that cannot be read"


def test_what_decodes_is_shown_and_what_does_not_as_hex() -> None:
    origin = replace(ORIGIN, topic=SCAN_REQUESTS, value=BATCH.encode())
    said = details(replace(LETTER, origin=origin), None)
    assert said["content"]["sites"] == [{"site_id": 1, "domain": "a.test", "rank": 1}]
    assert said["content"]["secret"] == b"secret".hex()
    damaged = details(LETTER, None)
    assert (damaged["hex"], "content" in damaged) == ("3f", False)
    assert damaged["undecodable"].startswith("not an Avro single-object message")


@given(
    topic=st.sampled_from(TOPICS),
    key=st.none() | st.binary(max_size=40),
    value=st.none() | st.binary(max_size=400),
    headers=st.lists(st.tuples(st.text(max_size=10), st.binary(max_size=10)), max_size=3),
    service=st.text(max_size=10),
    reason=st.text(max_size=40),
    at=st.integers(0, 10**18),
)
def test_nothing_hostile_reaches_the_screen(
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: list[tuple[str, bytes]],
    service: str,
    reason: str,
    at: int,
) -> None:
    origin = Incoming(topic, 0, 0, key, value, tuple(headers), 0)
    shown = text(details(DeadLetter(0, 0, origin, service, reason, at), None))
    assert shown.replace("\n", "").isprintable()
    assert shown.isascii()
