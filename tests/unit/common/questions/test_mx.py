"""Which questions MX needs."""

from services.common.dns.lookup import Observation, Question
from services.common.dns.status import Status
from services.common.questions.mx import MAX_EXCHANGES, wanted

SITE = "example.com"
MX = Question(SITE, "MX")


def answered(*rdata: str) -> dict[Question, Observation]:
    return {MX: Observation(*MX, Status.ANSWERED, tuple(sorted(rdata)))}


def names(questions: list[Question]) -> list[str]:
    return [question.name for question in questions if question.rdtype == "A"]


def test_first_the_records() -> None:
    assert wanted(SITE, {}) == [MX]


def test_then_both_addresses_of_every_exchange_once_by_preference() -> None:
    questions = wanted(SITE, answered("20 a.example", "10 b.example", "30 b.example"))
    assert questions == [
        MX,
        Question("b.example", "A"),
        Question("b.example", "AAAA"),
        Question("a.example", "A"),
        Question("a.example", "AAAA"),
    ]


def test_without_records_the_site_itself() -> None:
    for status in (Status.NODATA, Status.TIMEOUT):
        assert names(wanted(SITE, {MX: Observation(*MX, status)})) == [SITE]


def test_of_a_missing_site_nothing_else() -> None:
    assert wanted(SITE, {MX: Observation(*MX, Status.NXDOMAIN)}) == [MX]


def test_what_is_no_host_is_not_asked() -> None:
    known = answered("0 .", "10 192.0.2.1", "20 localhost", "30 x.msv1.invalid", "40 a\\.b.example")
    assert wanted(SITE, known) == [MX]


def test_a_flood_is_capped() -> None:
    records = [f"{number} mx{number}.example" for number in range(300)]
    hosts = names(wanted(SITE, answered(*records)))
    assert hosts == [f"mx{number}.example" for number in range(MAX_EXCHANGES)]
