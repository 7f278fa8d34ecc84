"""The tree walk of RFC 9989 and the questions around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.lookup import Observation, Question
from services.common.dns.status import Status
from services.common.questions.dmarc import (
    MAX_DESTINATIONS,
    MAX_WALK,
    discover,
    walk_names,
    wanted,
)

SITE = "a.mail.example.com"
WALK = ["_dmarc.a.mail.example.com", "_dmarc.mail.example.com", "_dmarc.example.com", "_dmarc.com"]


def known(records: dict[str, str], rdtype: str = "TXT") -> dict[Question, Observation]:
    return {
        Question(name, rdtype): Observation(name, rdtype, Status.ANSWERED, (text,))
        for name, text in records.items()
    }


def texts(questions: list[Question]) -> list[str]:
    return [question.name for question in questions if question.rdtype == "TXT"]


def test_the_walk_of_the_rfcs_deep_example() -> None:
    assert walk_names("a.b.c.d.e.f.g.h.i.j.mail.example.com") == [
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "g.h.i.j.mail.example.com",
        "h.i.j.mail.example.com",
        "i.j.mail.example.com",
        "j.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    ]


@pytest.mark.parametrize("count", range(1, 40))
def test_a_walk_is_short_and_ends_at_the_top(count: int) -> None:
    names = walk_names(".".join("abcdefghij"[number % 10] for number in range(count)))
    assert len(names) == min(count, MAX_WALK)
    assert "." not in names[-1]


def test_the_whole_walk_is_asked_at_once() -> None:
    assert texts(wanted(SITE, {})) == WALK
    assert Question(SITE, "MX") in wanted(SITE, {})


@pytest.mark.parametrize("psd", ["y", "n"])
def test_a_psd_tag_ends_the_walk(psd: str) -> None:
    answers = known({WALK[1]: f"v=DMARC1; p=none; psd={psd}"})
    assert texts(wanted(SITE, answers)) == WALK[:2]


@pytest.mark.parametrize(
    ("records", "organisation", "policy"),
    [
        ({}, SITE, None),
        ({WALK[1]: "u", WALK[2]: "u"}, "example.com", "example.com"),
        ({WALK[0]: "u", WALK[2]: "u"}, "example.com", SITE),
        ({WALK[1]: "n", WALK[2]: "u"}, "mail.example.com", "mail.example.com"),
        ({WALK[3]: "y"}, "example.com", "com"),
        ({WALK[1]: "u", WALK[3]: "y"}, "example.com", "com"),
        ({WALK[2]: "u", WALK[3]: "y"}, "example.com", "example.com"),
        ({WALK[0]: "y", WALK[2]: "u"}, SITE, SITE),
    ],
)
def test_organisation_and_policy(
    records: dict[str, str], organisation: str, policy: str | None
) -> None:
    found = discover(
        SITE, known({name: f"v=DMARC1; p=none; psd={psd}" for name, psd in records.items()})
    )
    assert found.organisational_domain == organisation
    assert (found.policy.domain if found.policy else None) == policy


def test_several_records_at_one_name_are_none() -> None:
    two = ("v=DMARC1; p=none", "v=DMARC1; p=reject")
    answers = known({WALK[2]: "v=DMARC1; p=quarantine"})
    own = Question(WALK[0], "TXT")
    answers[own] = Observation(*own, Status.ANSWERED, two)
    found = discover(SITE, answers)
    assert found.steps[0].record is None
    assert found.policy is not None
    assert found.policy.domain == "example.com"


def test_destinations_outside_must_agree_and_take_mail() -> None:
    record = "v=DMARC1; p=none; rua=mailto:a@x.example.com,mailto:b@r.example.net; ruf=http://h.org"
    questions = wanted("example.com", known({"_dmarc.example.com": record}))
    assert questions[3:] == [
        Question("x.example.com", "MX"),
        Question("r.example.net", "MX"),
        Question("example.com._report._dmarc.r.example.net", "TXT"),
    ]


def test_a_destination_without_mx_is_asked_for_addresses() -> None:
    answers = known({"_dmarc.example.com": "v=DMARC1; p=none; rua=mailto:b@example.com"})
    mail = Question("example.com", "MX")
    answers[mail] = Observation(*mail, Status.NODATA)
    assert {q.rdtype for q in wanted("example.com", answers)} == {"TXT", "MX", "A", "AAAA"}
    answers[mail] = Observation(*mail, Status.NXDOMAIN)
    assert {q.rdtype for q in wanted("example.com", answers)} == {"TXT", "MX"}


def test_destinations_are_capped() -> None:
    uris = ",".join(f"mailto:a@r{number}.example.net" for number in range(100))
    answers = known({"_dmarc.example.com": f"v=DMARC1; p=none; rua={uris}"})
    hosts = {q.name for q in wanted("example.com", answers) if q.rdtype == "MX"} - {"example.com"}
    assert hosts == {f"r{number}.example.net" for number in range(MAX_DESTINATIONS)}


def test_the_sites_texts_where_they_can_matter() -> None:
    site = Question("example.com", "TXT")
    record = known({"_dmarc.example.com": "v=DMARC1; p=reject"})
    missing = {
        Question("_dmarc.example.com", "TXT"): Observation(
            "_dmarc.example.com", "TXT", Status.NXDOMAIN
        )
    }
    receiving = known({"example.com": "10 mx.example.com"}, "MX")
    null = known({"example.com": "0 ."}, "MX")
    assert site not in wanted("example.com", record | receiving)
    assert site in wanted("example.com", record | null)
    assert site in wanted("example.com", missing | receiving)


def test_names_that_no_message_can_hold_do_not_exist() -> None:
    long = ".".join(["x" * 49] * 5)
    assert len(long) == 249
    found = discover(long, {})
    assert found.steps[0].seen.status is Status.NXDOMAIN
    assert f"_dmarc.{long}" not in texts(wanted(long, {}))
    host = f"{long[:49]}.example"
    answers = known({f"_dmarc.{found.steps[1].domain}": f"v=DMARC1; p=none; rua=mailto:a@{host}"})
    assert Question(host, "MX") in wanted(long, answers)
    assert not any("_report" in name for name in texts(wanted(long, answers)))


@given(st.dictionaries(st.sampled_from([*WALK, SITE, "r.example.net"]), st.text()))
def test_any_answers_have_a_closure(records: dict[str, str]) -> None:
    answers = known(records) | known(records, "MX")
    questions = wanted(SITE, answers)
    assert len(set(questions)) == len(questions)
    assert wanted(SITE, answers) == questions
