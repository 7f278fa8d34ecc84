"""From the bytes of grade requests to judgements of several graders, and what they cannot judge."""

from collections.abc import Sequence

import pytest

from services.common.messages.codec import Codec
from services.common.messages.envelope import BrokenError, InvalidError
from services.common.messages.topics import GRADE_REQUESTS
from services.common.reference.bundle import Reference
from services.common.reference.load import load
from services.grader.core.verdict import Graded, Grader, Section
from services.grader.handler import Failed, Judgement, RegradeHandler
from tests import examples
from tests.unit.grader.handler.test_grade import EXAMPLES, incoming, message

Call = tuple[list[tuple[str, str]], list[tuple[str, str, str]]]


class Stored(list[Call]):
    """A store in memory: grader and domain of judgements; grader, domain, reason of failures."""

    def __call__(self, judgements: Sequence[Judgement], failed: Sequence[Failed]) -> None:
        judged = [(one.grader.name, one.request.domain) for one in judgements]
        self.append((judged, [(one.grader, one.domain, one.reason) for one in failed]))


def grader(name: str, fails_on: str = "") -> Grader:
    def grade(section: Section, reference: Reference) -> Graded:
        if section.domain == fails_on:
            raise KeyError("surprise")
        return Graded(len(section.observations), ())

    return Grader(name, 3, (), grade)


def test_every_grader_judges_by_its_own_section_in_one_go() -> None:
    kept: list[Judgement] = []
    handler = RegradeHandler(
        [grader("spf"), grader("mx")], load, lambda judgements, _: kept.extend(judgements)
    )
    assert handler([message("v1-mail-domain")]) == ()
    assert [(one.grader.name, one.graded.points) for one in kept] == [("spf", 3), ("mx", 5)]


def test_a_grader_that_fails_holds_up_neither_sites_nor_graders() -> None:
    stored = Stored()
    graders = [grader("spf", fails_on="example.com"), grader("mx")]
    RegradeHandler(graders, load, stored)([message("v1-mail-domain"), message("v1-not-observed")])
    [(judged, failed)] = stored
    assert judged == [("mx", "example.com"), ("spf", "dark.example"), ("mx", "dark.example")]
    [(name, domain, reason)] = failed
    assert (name, domain) == ("spf", "example.com")
    assert reason == "grader spf version 3 failed on example.com: KeyError: 'surprise'"


@pytest.mark.parametrize("value", [None, b"", b"no message"])
def test_what_is_no_request_fails_every_grader(value: bytes | None) -> None:
    stored = Stored()
    RegradeHandler([grader("spf"), grader("mx")], load, stored)([incoming(value)])
    [(judged, failed)] = stored
    assert judged == []
    assert [(name, domain) for name, domain, _ in failed] == [("spf", ""), ("mx", "")]
    assert all(GRADE_REQUESTS in reason for _, _, reason in failed)


def test_reference_data_that_is_not_shipped_is_a_failure() -> None:
    record = examples.record(EXAMPLES["v1-mail-domain"]) | {"reference_name": "private"}
    stored = Stored()
    RegradeHandler([grader("mx")], load, stored)([incoming(Codec(GRADE_REQUESTS).encode(record))])
    [(_, [(_, domain, reason)])] = stored
    assert domain == "example.com"
    assert "'private'" in reason


def test_what_the_store_refuses_is_noted_for_every_grader() -> None:
    stored = Stored()
    handler = RegradeHandler([grader("spf"), grader("mx")], load, stored)
    handler.refuse(message("v1-mail-domain"), InvalidError("out of range"))
    handler.refuse(incoming(b"no message"), InvalidError("no message"))
    assert stored == [
        ([], [(name, "example.com", "out of range") for name in ("spf", "mx")]),
        ([], [(name, "", "no message") for name in ("spf", "mx")]),
    ]


def test_a_store_that_is_broken_is_not_the_message_s_fault() -> None:
    def broken(_: Sequence[Judgement], __: Sequence[Failed]) -> None:
        raise BrokenError("database is away")

    with pytest.raises(BrokenError):
        RegradeHandler([grader("mx")], load, broken)([message("v1-mail-domain")])
