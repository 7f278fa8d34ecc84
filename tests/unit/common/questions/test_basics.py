"""What every site is asked."""

import pytest

from services.common.dns.lookup import Observation, Question
from services.common.dns.names import to_wire
from services.common.dns.status import Status
from services.common.questions.answers import Answers
from services.common.questions.basics import (
    MAX_CLIMB,
    MAX_NAME_SERVERS,
    enclosing_zone,
    name_servers,
    sibling,
    wanted,
)

SITE = "site.test"
SECRET = b"secret of this run"


def seen(
    name: str,
    rdtype: str,
    status: Status,
    *rdata: str,
    zone: str = "",
    aliases: tuple[str, ...] = (),
) -> tuple[Question, Observation]:
    question = Question(name, rdtype)
    return question, Observation(*question, status, rdata, aliases, zone=zone)


def apex(name: str) -> tuple[Question, Observation]:
    return seen(name, "SOA", Status.ANSWERED, "ns. admin. 1 2 3 4 5", zone=name)


def names(questions: list[Question], rdtype: str) -> list[str]:
    return [question.name for question in questions if question.rdtype == rdtype]


def test_the_soa_comes_first_and_alone() -> None:
    assert wanted(SITE, SECRET, {}) == [Question(SITE, "SOA")]


def test_of_a_name_that_does_not_exist_nothing_else_is_asked() -> None:
    known = dict([seen(SITE, "SOA", Status.NXDOMAIN, zone="test")])
    assert wanted(SITE, SECRET, known) == [Question(SITE, "SOA")]


@pytest.mark.parametrize(
    "status", [Status.NODATA, Status.SERVFAIL, Status.TIMEOUT, Status.BOGUS, Status.NOT_ASKED]
)
def test_any_other_end_of_the_soa_leaves_the_rest_to_ask(status: Status) -> None:
    questions = wanted(SITE, SECRET, dict([seen(SITE, "SOA", status)]))
    assert Question(SITE, "MX") in questions
    assert Question(SITE, "NS") in questions


def test_the_questions_of_round_one() -> None:
    questions = wanted(SITE, SECRET, dict([apex(SITE)]))
    assert set(questions) == {
        *(Question(SITE, rdtype) for rdtype in ("MX", "TXT", "CAA", "A", "AAAA")),
        *(Question(SITE, rdtype) for rdtype in ("NS", "SOA", "DS", "DNSKEY")),
        Question("_dmarc.site.test", "TXT"),
        Question("default._bimi.site.test", "TXT"),
        Question("_mta-sts.site.test", "TXT"),
        Question("_smtp._tls.site.test", "TXT"),
        Question("_msdcs.site.test", "SOA"),
    }


def test_a_site_below_its_zone_has_zone_questions_at_the_apex() -> None:
    known = dict([seen("www.site.test", "SOA", Status.NODATA, zone="site.test")])
    questions = wanted("www.site.test", SECRET, known)
    for rdtype in ("NS", "DS", "DNSKEY"):
        assert names(questions, rdtype) == ["site.test"]
    assert Question("site.test", "SOA") in questions
    assert Question("www.site.test", "MX") in questions


def test_the_zone_of_an_alias_is_that_of_its_parent() -> None:
    known = dict([seen("www.site.test", "SOA", Status.ANSWERED, "cdn", aliases=("x.cdn.example",))])
    questions = wanted("www.site.test", SECRET, known)
    assert Question("site.test", "SOA") in questions
    assert names(questions, "NS") == []
    known |= dict([apex("site.test")])
    assert names(wanted("www.site.test", SECRET, known), "NS") == ["site.test"]


def test_a_chain_of_aliases_is_climbed_only_so_far() -> None:
    deep = ".".join(["a"] * 40) + ".test"
    known: dict[Question, Observation] = {}
    while True:
        zone, asked = enclosing_zone(deep, known)
        missing = [question for question in asked if question not in known]
        if not missing:
            break
        known |= dict(seen(q.name, "SOA", Status.NODATA, aliases=("b.test",)) for q in missing)
    assert zone == deep
    assert len(asked) == MAX_CLIMB


def test_a_zone_that_does_not_hold_the_site_is_not_believed() -> None:
    known = dict([seen(SITE, "SOA", Status.NODATA, zone="other.test")])
    assert enclosing_zone(SITE, known)[0] == SITE


def test_name_servers_are_asked_for_their_addresses() -> None:
    known = dict([apex(SITE), seen(SITE, "NS", Status.ANSWERED, "ns1.site.test", "ns2.host.test")])
    questions = wanted(SITE, SECRET, known)
    assert {"ns1.site.test", "ns2.host.test"} <= set(names(questions, "A"))
    assert {"ns1.site.test", "ns2.host.test"} <= set(names(questions, "AAAA"))


def test_of_many_name_servers_the_first_are_asked() -> None:
    many = [f"ns{number:02}.site.test" for number in range(40)]
    known = dict([apex(SITE), seen(SITE, "NS", Status.ANSWERED, ".", *many)])
    assert name_servers(SITE, known) == many[:MAX_NAME_SERVERS]
    assert name_servers(SITE, {}) == []


def test_caa_climbs_while_there_is_none() -> None:
    known = dict([apex("a.b.site.test"), seen("a.b.site.test", "CAA", Status.NODATA)])
    assert names(wanted("a.b.site.test", SECRET, known), "CAA") == [
        "a.b.site.test",
        "b.site.test",
    ]
    known |= dict([seen("b.site.test", "CAA", Status.ANSWERED, '0 issue "ca.example"')])
    assert names(wanted("a.b.site.test", SECRET, known), "CAA") == [
        "a.b.site.test",
        "b.site.test",
    ]


def test_caa_climbs_to_the_top_level_and_not_to_the_root() -> None:
    known: dict[Question, Observation] = dict([apex(SITE)])
    for name in ("site.test", "test"):
        known |= dict([seen(name, "CAA", Status.NODATA)])
    assert names(wanted(SITE, SECRET, known), "CAA") == ["site.test", "test"]


def test_a_wildcard_is_unmasked_where_msdcs_answers() -> None:
    probe = "_msdcs.site.test"
    known = dict([apex(SITE)])
    assert len(names(wanted(SITE, SECRET, known), "SOA")) == 2
    silent = known | dict([seen(probe, "SOA", Status.NXDOMAIN)])
    assert len(names(wanted(SITE, SECRET, silent), "SOA")) == 2
    answering = known | dict([seen(probe, "SOA", Status.ANSWERED, "soa")])
    label = sibling(SITE, SECRET)
    assert f"{label}.site.test" in names(wanted(SITE, SECRET, answering), "SOA")


def test_the_sibling_is_a_label_that_only_the_run_knows() -> None:
    label = sibling(SITE, SECRET)
    assert label == sibling(SITE, SECRET)
    assert label != sibling(SITE, b"another run")
    assert label != sibling("other.test", SECRET)
    assert to_wire(label) == b"\x10" + label.encode() + b"\0"


def _policy(text: str) -> Answers:
    site = "shop.site.test"
    return dict(
        [
            seen(site, "SOA", Status.NODATA, zone="site.test"),
            seen(f"default._bimi.{site}", "TXT", Status.NODATA),
            seen(f"_dmarc.{site}", "TXT", Status.NXDOMAIN),
            seen("_dmarc.site.test", "TXT", Status.ANSWERED, text),
            seen("_dmarc.test", "TXT", Status.NXDOMAIN),
        ]
    )


def test_bimi_falls_back_to_the_organisational_domain() -> None:
    known = _policy("v=DMARC1; p=reject")
    questions = wanted("shop.site.test", SECRET, known)
    assert Question("default._bimi.site.test", "TXT") in questions


def test_bimi_does_not_fall_back_while_the_walk_is_not_complete() -> None:
    known = dict(_policy("v=DMARC1; p=reject"))
    del known[Question("_dmarc.test", "TXT")]
    questions = wanted("shop.site.test", SECRET, known)
    assert Question("default._bimi.site.test", "TXT") not in questions


def test_bimi_of_the_site_itself_is_enough() -> None:
    own = seen("default._bimi.shop.site.test", "TXT", Status.ANSWERED, "v=BIMI1; l=;")
    known = {**_policy("v=DMARC1; p=reject"), own[0]: own[1]}
    questions = wanted("shop.site.test", SECRET, known)
    assert Question("default._bimi.site.test", "TXT") not in questions


def test_names_that_do_not_fit_into_a_message_are_not_asked() -> None:
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    known = dict([apex(longest), seen(f"_msdcs.{longest}", "SOA", Status.ANSWERED, "soa")])
    questions = wanted(longest, SECRET, known)
    assert names(questions, "TXT") == [longest]
    for question in questions:
        to_wire(question.name)
