"""From the bytes of grade requests to judgements in a store."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from services.common.dns.lookup import Question
from services.common.messages.codec import Codec
from services.common.messages.envelope import BrokenError, Incoming, InvalidError
from services.common.messages.grade_request import GradeRequestReader
from services.common.messages.topics import GRADE_REQUESTS
from services.common.reference.bundle import Reference
from services.common.reference.load import load
from services.grader.core.catalogue import GRADERS
from services.grader.core.evidence import evidence_hash
from services.grader.core.verdict import Graded, Grader, Section
from services.grader.handler import GradeHandler, Judgement
from tests import examples

EXAMPLES = {path.stem: path for path in examples.paths(GRADE_REQUESTS)}


class Stored(list[Judgement]):
    """A store in memory."""

    def __call__(self, judgements: Sequence[Judgement]) -> None:
        self.extend(judgements)


def incoming(value: bytes | None, offset: int = 0) -> Incoming:
    return Incoming(GRADE_REQUESTS, 0, offset, None, value, (), 0)


def message(name: str) -> Incoming:
    return incoming(examples.payload(EXAMPLES[name]))


def count_observations(section: Section, reference: Reference) -> Graded:
    detail = {"at": section.observed_at, "reference": reference.name}
    return Graded(len(section.observations), (), detail)


def counting(grade: object = count_observations) -> Grader:
    return Grader("mx", 3, (), grade)  # type: ignore[arg-type]


def test_a_request_is_judged_by_its_own_section_and_reference_data() -> None:
    stored = Stored()
    outgoing = GradeHandler(counting(), load, stored)([message("v1-mail-domain")])
    [judgement] = stored
    assert outgoing == ()
    assert judgement.request.domain == "example.com"
    assert judgement.graded.points == 5
    assert judgement.graded.detail == {"at": judgement.request.finished_at, "reference": "public"}
    assert judgement.reference is load("public")
    assert judgement.grader.version == 3
    seen = judgement.request.sections["mx"]
    whole = Section("example.com", 0, {one.question: one for one in seen})
    assert judgement.evidence_hash == evidence_hash(whole)


def test_all_of_a_batch_is_stored_at_once_and_in_order() -> None:
    batches: list[list[str]] = []
    handler = GradeHandler(
        counting(), load, lambda given: batches.append([one.request.domain for one in given])
    )
    handler([message("v1-not-observed"), message("v1-mail-domain")])
    assert batches == [["dark.example", "example.com"]]


def test_a_grader_that_fails_makes_the_message_invalid_and_is_named() -> None:
    def fail(section: Section, reference: Reference) -> Graded:
        raise KeyError("surprise")

    stored = Stored()
    with pytest.raises(InvalidError, match=r"mx version 3 failed on example\.com: KeyError"):
        GradeHandler(counting(fail), load, stored)([message("v1-mail-domain")])
    assert stored == []


@pytest.mark.parametrize("value", [None, b"", b"no message"])
def test_what_is_no_request_is_invalid(value: bytes | None) -> None:
    stored = Stored()
    with pytest.raises(InvalidError, match=GRADE_REQUESTS):
        GradeHandler(counting(), load, stored)([message("v1-mail-domain"), incoming(value)])
    assert stored == []


def test_reference_data_that_is_not_shipped_is_invalid() -> None:
    record = examples.record(EXAMPLES["v1-mail-domain"]) | {"reference_name": "private"}
    value = Codec(GRADE_REQUESTS).encode(record)
    with pytest.raises(InvalidError, match=r"example\.com: .*'private'"):
        GradeHandler(counting(), load, Stored())([incoming(value)])


def test_a_store_that_is_broken_is_not_the_message_s_fault() -> None:
    def broken(_: Sequence[Judgement]) -> None:
        raise BrokenError("database is away")

    with pytest.raises(BrokenError):
        GradeHandler(counting(), load, broken)([message("v1-mail-domain")])


@pytest.mark.parametrize("path", EXAMPLES.values(), ids=EXAMPLES)
@pytest.mark.parametrize("name", GRADERS)
def test_every_grader_takes_every_example(name: str, path: Path) -> None:
    stored = Stored()
    GradeHandler(GRADERS[name], load, stored)([incoming(examples.payload(path))])
    [judgement] = stored
    assert judgement.graded.points is None or 0 <= judgement.graded.points <= 100
    if path.stem == "v1-not-observed":
        assert judgement.graded.undetermined


@pytest.mark.parametrize("name", GRADERS)
def test_a_grader_without_observations_withholds_its_grade(name: str) -> None:
    record = examples.record(EXAMPLES["v1-mail-domain"]) | {name: []}
    stored = Stored()
    value = Codec(GRADE_REQUESTS).encode(record)
    GradeHandler(GRADERS[name], load, stored)([incoming(value)])
    assert stored[0].graded.points is None
    assert stored[0].graded.undetermined


def test_the_example_s_observations_are_found_by_question() -> None:
    request = GradeRequestReader(("mx",)).decode(examples.payload(EXAMPLES["v1-mail-domain"]))
    questions = [seen.question for seen in request.sections["mx"]]
    assert Question("example.com", "MX") in questions
    assert len(set(questions)) == len(questions)
