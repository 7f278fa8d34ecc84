import base64
import gzip
import json
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns import rdata
from services.common.dns.names import text_of
from services.common.dns.rdtypes import mnemonic
from services.common.dns.wire import MAX_POINTERS, MalformedError, Message, Record, read
from tests.unit.common.dns import presentation
from tests.unit.common.dns.strategies import RDATA, answers

Rows = list[tuple[str, int, int, str]]

HEADER = struct.Struct("!6H")


def _ours(message: Message, section: list[Record]) -> Rows:
    return sorted((r.name, r.rdtype, r.ttl, rdata.text(message, r)) for r in section)


def _theirs(section: list[dns.rrset.RRset]) -> Rows:
    return sorted(
        (presentation.name(rrset.name), int(rrset.rdtype), rrset.ttl, presentation.present(value))
        for rrset in section
        for value in rrset
    )


def _agrees(wire: bytes) -> None:
    ours = read(wire)
    theirs = dns.message.from_wire(wire, ignore_trailing=True, one_rr_per_rrset=True)
    assert (ours.id, ours.rcode) == (theirs.id, theirs.rcode())
    assert ours.flags & ~0xF == int(theirs.flags) & 0xFFF0
    assert ours.edns == (theirs.edns >= 0)
    question = theirs.question[0]
    assert (ours.qname, ours.qtype) == (presentation.name(question.name), int(question.rdtype))
    known = {dns.rdatatype.from_text(rdtype) for rdtype in RDATA}
    for ours_in, theirs_in in ((ours.answer, theirs.answer), (ours.authority, theirs.authority)):
        kept = [record for record in ours_in if record.rdtype in known]
        assert _ours(ours, kept) == _theirs([r for r in theirs_in if r.rdtype in known])


@given(answers())
def test_reads_what_dnspython_reads(message: dns.message.Message) -> None:
    _agrees(message.to_wire())


def _real_wires() -> Iterator[bytes]:
    path = Path(os.environ.get("TEST_DATA", "")) / "dnssec-wire.jsonl.gz"
    if not path.is_file():
        pytest.skip("TEST_DATA names no folder with dnssec-wire.jsonl.gz")
    with gzip.open(path, "rt") as lines:
        for _, line in zip(range(100), lines, strict=False):
            for answer in json.loads(line)["answers"]:
                yield base64.b64decode(answer["wire"])


def test_reads_real_answers_as_dnspython_does() -> None:
    for wire in _real_wires():
        _agrees(wire)


def _read_all(wire: bytes) -> None:
    message = read(wire)
    for record in message.answer + message.authority:
        rdata.text(message, record)


@given(st.data())
def test_damage_is_malformed_and_nothing_else(data: st.DataObject) -> None:
    wire = bytearray(data.draw(answers()).to_wire())
    for place in data.draw(st.lists(st.integers(0, len(wire) - 1), min_size=1, max_size=6)):
        wire[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(wire)))
    for damaged in (bytes(wire), bytes(wire[:cut])):
        with suppress(MalformedError):
            _read_all(damaged)


@given(st.binary(max_size=600))
def test_noise_is_malformed_and_nothing_else(wire: bytes) -> None:
    with suppress(MalformedError):
        _read_all(wire)


def _response(*body: bytes, answers: int = 0, authorities: int = 0, more: int = 0) -> bytes:
    return HEADER.pack(1, 0x8180, 1, answers, authorities, more) + b"".join(body)


def _record(owner: bytes, rdtype: int, value: bytes, ttl: int = 60, rdclass: int = 1) -> bytes:
    return owner + struct.pack("!HHIH", rdtype, rdclass, ttl, len(value)) + value


QUESTION = b"\x07example\x00\x00\x10\x00\x01"
POINTER = b"\xc0\x0c"


def test_every_cut_of_a_message_is_noticed() -> None:
    wire = _response(
        QUESTION,
        _record(POINTER, 16, b"\x04text"),
        _record(POINTER, 15, b"\x00\x0a\x01a" + POINTER),
        _record(b"\0", 41, b"\x00\x0f\x00\x02\x00\x16"),
        answers=2,
        more=1,
    )
    assert [rdata.text(read(wire), r) for r in read(wire).answer] == ["text", "10 a.example"]
    for end in range(len(wire)):
        with pytest.raises(MalformedError):
            _read_all(wire[:end])


def test_bytes_after_the_message_are_ignored() -> None:
    assert read(_response(QUESTION, b"more")).qname == "example"


@pytest.mark.parametrize(
    "owner",
    [
        pytest.param(b"\xc0\x19", id="to itself"),
        pytest.param(b"\xc0\x50", id="forward"),
        pytest.param(b"\x01a\xc0\x19", id="loop"),
        pytest.param(b"\x80a", id="label type 2"),
        pytest.param(b"\x40" + b"a" * 64 + b"\0", id="label of 64"),
        pytest.param((b"\x3f" + b"a" * 63) * 4 + b"\0", id="256 bytes"),
    ],
)
def test_refuses_names_that_are_none(owner: bytes) -> None:
    with pytest.raises(MalformedError):
        read(_response(QUESTION, _record(owner, 1, b"\x01\x02\x03\x04"), answers=1))


def test_refuses_a_name_that_grows_too_long_by_pointers() -> None:
    part = b"\x3f" + b"a" * 63
    first = _record(part * 3 + b"\0", 1, b"\0\0\0\0")
    start = 12 + len(QUESTION)
    second = _record(part + struct.pack("!H", 0xC000 | start), 1, b"\0\0\0\0")
    with pytest.raises(MalformedError, match="longer than 255"):
        read(_response(QUESTION, first, second, answers=2))


def test_refuses_more_pointers_than_a_name_can_have_labels() -> None:
    start = 12 + len(QUESTION) + 11
    chain = [POINTER] + [struct.pack("!H", 0xC000 | start + 2 * n) for n in range(MAX_POINTERS)]
    first = _record(b"\0", 65500, b"".join(chain))
    owner = struct.pack("!H", 0xC000 | start + 2 * MAX_POINTERS)
    with pytest.raises(MalformedError, match="pointer"):
        read(_response(QUESTION, first, _record(owner, 1, b"\0\0\0\0"), answers=2))


@pytest.mark.parametrize(
    ("rdtype", "value"),
    [
        (1, b"\x01\x02\x03"),
        (28, bytes(15)),
        (16, b"\x05text"),
        (15, b"\x00"),
        (15, b"\x00\x0a\x01a\x00more"),
        (2, b"\x01a\x00more"),
        (6, b"\x00\x00" + bytes(19)),
        (33, bytes(5)),
        (43, bytes(3)),
        (48, bytes(3)),
        (52, bytes(2)),
        (257, b"\x00\x05iss"),
        (257, b"\x00\x00value"),
    ],
)
def test_refuses_rdata_of_the_wrong_length(rdtype: int, value: bytes) -> None:
    message = read(_response(QUESTION, _record(POINTER, rdtype, value), answers=1))
    with pytest.raises(MalformedError):
        rdata.text(message, message.answer[0])


def test_text_keeps_every_byte() -> None:
    value = bytes(range(256))
    pieces = b"".join(bytes([128]) + value[at : at + 128] for at in (0, 128))
    message = read(_response(QUESTION, _record(POINTER, 16, pieces), answers=1))
    assert rdata.text(message, message.answer[0]).encode("latin-1") == value


def test_the_longest_message_is_read_whole() -> None:
    one = _record(POINTER, 16, b"\xff" + b"x" * 255)
    count = (65535 - 12 - len(QUESTION)) // len(one)
    message = read(_response(QUESTION, one * count, answers=count))
    assert {rdata.text(message, record) for record in message.answer} == {"x" * 255}
    assert len(message.answer) == count


def test_label_keeps_nul_and_high_bytes_apart() -> None:
    assert text_of([b"A\x00\xe9.", b"b"]) == "a\\000\\233\\..b"


@pytest.mark.parametrize(
    ("options", "ede"),
    [
        (b"", None),
        (b"\x00\x0f\x00\x02\x00\x16", 22),
        (b"\x00\x0a\x00\x01x\x00\x0f\x00\x05\x00\x06bad\x00\x0f\x00\x02\x00\x07", 6),
        (b"\x00\x0f\x00\x01\x00", None),
        (b"\x00\x0f\x00\x40\x00", None),
    ],
)
def test_finds_the_first_extended_error(options: bytes, ede: int | None) -> None:
    opt = _record(b"\0", 41, options, ttl=0x01000000, rdclass=1232)
    message = read(_response(QUESTION, opt, more=1))
    assert message.ede == ede
    assert message.rcode == 16
    assert message.edns


def test_two_questions_are_refused() -> None:
    with pytest.raises(MalformedError, match="2 questions"):
        read(HEADER.pack(1, 0x8180, 2, 0, 0, 0) + QUESTION * 2)


@pytest.mark.parametrize(("code", "text"), [(16, "TXT"), (257, "CAA"), (65500, "TYPE65500")])
def test_types_have_mnemonics(code: int, text: str) -> None:
    assert mnemonic(code) == text
