"""Encoding and decoding: examples, projections, other versions, and bytes of any kind."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.messages import codec, run_event, scan_request, scan_result
from services.common.messages.codec import Codec, UndecodableError
from services.common.messages.grade_request import SECTIONS, GradeRequestReader
from services.common.messages.topics import (
    GRADE_REQUESTS,
    RUN_EVENTS,
    SCAN_REQUESTS,
    SCAN_RESULTS,
    TOPICS,
)
from tests import examples

DECODERS: dict[str, Callable[[bytes | None], Any]] = {
    SCAN_REQUESTS: scan_request.decode,
    SCAN_RESULTS: scan_result.decode,
    GRADE_REQUESTS: GradeRequestReader(SECTIONS).decode,
    RUN_EVENTS: run_event.decode,
}
EXAMPLES = [path for topic in TOPICS for path in examples.paths(topic)]
PAYLOADS = {topic: [examples.payload(path) for path in examples.paths(topic)] for topic in TOPICS}


def name(path: Path) -> str:
    return f"{path.parents[1].name}/{path.stem}"


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_examples(topic: str) -> None:
    assert len(examples.paths(topic)) >= 2


@pytest.mark.parametrize("path", EXAMPLES, ids=name)
def test_an_example_reads_as_its_message_and_writes_back_the_same_bytes(path: Path) -> None:
    topic = path.parents[1].name
    payload = examples.payload(path)
    message = DECODERS[topic](payload)
    assert message.run_id == examples.record(path)["run_id"]
    assert message.encode() == payload


@pytest.mark.parametrize("section", SECTIONS)
def test_a_projection_has_its_own_section_only(section: str) -> None:
    [payload] = [
        examples.payload(p) for p in EXAMPLES if name(p) == "grade-requests/v1-mail-domain"
    ]
    whole = GradeRequestReader(SECTIONS).decode(payload)
    part = GradeRequestReader((section,)).decode(payload)
    assert part.sections == {section: whole.sections[section]}
    assert part.sections[section]


def test_a_message_of_an_older_version_reads_as_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def schema(*fields: dict[str, Any]) -> str:
        return json.dumps({"type": "record", "name": "Thing", "fields": list(fields)})

    folder = tmp_path / "things"
    folder.mkdir()
    one = {"name": "one", "type": "long"}
    two = {"name": "two", "type": "string", "default": "none"}
    monkeypatch.setattr(codec, "files", lambda _: tmp_path)
    codec._schemas.cache_clear()
    (folder / "v1.avsc").write_text(schema(one))
    old = Codec("things").encode({"one": 1})
    (folder / "v2.avsc").write_text(schema(one, two))
    codec._schemas.cache_clear()
    newest = Codec("things")
    assert newest.decode(old) == {"one": 1, "two": "none"}
    assert newest.decode(newest.encode({"one": 1, "two": "b"})) == {"one": 1, "two": "b"}
    assert Codec("things", only=("two",)).decode(old) == {"two": "none"}
    codec._schemas.cache_clear()


@pytest.mark.parametrize("payload", [None, b"", b"\xc3\x01", b"{}", b"\xc3\x01" + bytes(8)])
@pytest.mark.parametrize("topic", TOPICS)
def test_what_is_no_message_of_the_topic_is_undecodable(topic: str, payload: bytes | None) -> None:
    with pytest.raises(UndecodableError, match=topic):
        DECODERS[topic](payload)


def test_a_message_of_another_topic_is_undecodable() -> None:
    with pytest.raises(UndecodableError, match="fingerprint"):
        scan_result.decode(PAYLOADS[SCAN_REQUESTS][0])


def test_a_status_that_does_not_exist_is_undecodable() -> None:
    for topic, part in ((SCAN_RESULTS, "lookups"), (GRADE_REQUESTS, "mx")):
        record = examples.record(examples.paths(topic)[0])
        record[part][0]["status"] = "PERHAPS"
        with pytest.raises(UndecodableError, match="PERHAPS"):
            DECODERS[topic](Codec(topic).encode(record))


@pytest.mark.parametrize("topic", TOPICS)
def test_bytes_after_the_message_are_not_overlooked(topic: str) -> None:
    with pytest.raises(UndecodableError, match="1 bytes after"):
        DECODERS[topic](PAYLOADS[topic][0] + b"\0")


@pytest.mark.parametrize("topic", TOPICS)
@given(data=st.data())
def test_damaged_bytes_raise_undecodable_and_nothing_else(topic: str, data: st.DataObject) -> None:
    payload = bytearray(data.draw(st.sampled_from(PAYLOADS[topic])))
    places = st.integers(codec.HEADER_SIZE, len(payload) - 1)
    for place in data.draw(st.lists(places, max_size=8)):
        payload[place] = data.draw(st.integers(0, 255))
    payload = payload[: data.draw(st.integers(0, len(payload)))]
    with suppress(UndecodableError):
        DECODERS[topic](bytes(payload))


@pytest.mark.parametrize("topic", TOPICS)
@given(noise=st.binary(max_size=200))
def test_noise_raises_undecodable_and_nothing_else(topic: str, noise: bytes) -> None:
    with suppress(UndecodableError):
        DECODERS[topic](PAYLOADS[topic][0][: codec.HEADER_SIZE] + noise)
