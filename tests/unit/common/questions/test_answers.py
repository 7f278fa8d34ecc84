"""Filling a section."""

from services.common.dns.lookup import Observation, Question
from services.common.dns.status import Status
from services.common.questions.answers import observations

SOA = Question("site.test", "SOA")
MX = Question("site.test", "MX")
BELOW = Question("_dmarc.site.test", "TXT")
ELSEWHERE = Question("_dmarc.test", "TXT")


def test_what_is_known_is_taken_as_it_is_in_the_order_wanted() -> None:
    mail = Observation(*MX, Status.TIMEOUT)
    policy = Observation(*BELOW, Status.ANSWERED, ("v=DMARC1",))
    found = observations("site.test", [BELOW, MX], {MX: mail, BELOW: policy})
    assert found == (policy, mail)


def test_what_was_never_asked_is_not_absent() -> None:
    for site in ({}, {SOA: Observation(*SOA, Status.SERVFAIL)}):
        (found,) = observations("site.test", [MX], site)
        assert found == Observation(*MX, Status.NOT_ASKED)
        assert not found.absent


def test_nothing_exists_at_or_below_a_name_that_does_not() -> None:
    gone = {SOA: Observation(*SOA, Status.NXDOMAIN)}
    found = observations("site.test", [MX, BELOW, ELSEWHERE], gone)
    assert [seen.status for seen in found] == [
        Status.NXDOMAIN,
        Status.NXDOMAIN,
        Status.NOT_ASKED,
    ]
