"""Properties of DMARC grades, over random but possible worlds."""

import random
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.lookup import Observation, Question
from services.common.dns.status import DETERMINED, Status
from services.common.questions.dmarc import wanted
from services.common.records.dmarc import Policy
from services.common.reference.load import load
from services.grader.core.graders.dmarc import GRADER
from services.grader.core.verdict import Graded
from tests.unit.grader.core.graders.sections import Answer, backwards, hidden, section

PUBLIC = load("public")
SITES = ("example.com", "sub.example.com", "a.b.sub.example.co.uk", "example.gov")
HOSTS = ("example.com", "reports.example.com", "example.net", "r.example.org", "gov")
UNOBSERVED = sorted(set(Status) - DETERMINED)
POLICIES = ("none", "quarantine", "reject")


def grade(domain: str, answer: Answer) -> Graded:
    return GRADER.grade(section(domain, wanted, answer), PUBLIC)


class World:
    """Answers that follow from a seed. A registry that publishes a record says psd=y."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.answer = cache(self._answer)

    def _answer(self, question: Question) -> Observation:
        chance = random.Random(f"{self._seed} {question}")
        status = chance.choices(
            [Status.ANSWERED, Status.NODATA, Status.NXDOMAIN, Status.BOGUS], [12, 3, 3, 1]
        )[0]
        if status is not Status.ANSWERED:
            return Observation(*question, status)
        return Observation(*question, status, tuple(sorted(self._rdata(question, chance))))

    def _rdata(self, question: Question, chance: random.Random) -> set[str]:
        if question.rdtype == "MX":
            return {chance.choice(["0 .", "10 mx.example.com"])}
        if question.rdtype in ("A", "AAAA"):
            return {"192.0.2.1" if question.rdtype == "A" else "2001:db8::1"}
        if not question.name.startswith("_dmarc") and "_report" not in question.name:
            return {chance.choice(["v=spf1 -all", "v=spf1 mx -all", "v=DMARC1; p=none"])}
        registry = PUBLIC.public_suffix(question.name[7:]) == question.name[7:]
        count = chance.choices([1, 2], [8, 1])[0]
        return {self._record(chance, registry) for _ in range(count)}

    def _record(self, chance: random.Random, registry: bool) -> str:
        tags = [f"p={chance.choice([*POLICIES, 'bogus'])}"] if chance.random() < 0.9 else []
        for tag in ("sp", "np"):
            if chance.random() < 0.3:
                tags.append(f"{tag}={chance.choice([*POLICIES, 'bogus'])}")
        if registry or chance.random() < 0.2:
            tags.append(f"psd={'y' if registry else chance.choice('yn')}")
        if chance.random() < 0.2:
            tags.append("t=y")
        if chance.random() < 0.7:
            hosts = chance.sample(HOSTS, chance.randrange(1, 3))
            tags.append("rua=" + ",".join(f"mailto:a@{host}" for host in hosts))
        return "; ".join(["v=DMARC1", *tags]) if chance.random() < 0.9 else "v=spf1 -all"


worlds = st.builds(World, st.integers(0, 1 << 32))
sites = st.sampled_from(SITES)


@given(worlds, sites)
def test_order_changes_nothing(world: World, site: str) -> None:
    seen = section(site, wanted, world.answer)
    there, back = GRADER.grade(seen, PUBLIC), GRADER.grade(backwards(seen), PUBLIC)
    assert there.points == back.points
    assert {(r.kind.tag, *r.args.values()) for r in there.remarks} == {
        (r.kind.tag, *r.args.values()) for r in back.remarks
    }


@given(worlds, sites)
def test_what_is_observed_is_graded(world: World, site: str) -> None:
    graded = grade(site, world.answer)
    assert not graded.undetermined
    assert graded.points is not None
    assert 0 <= graded.points <= 100


@given(worlds, sites, st.integers(0, 1 << 32), st.sampled_from(UNOBSERVED))
def test_the_truth_lies_within_what_was_not_observed(
    world: World, site: str, seed: int, status: Status
) -> None:
    truth = grade(site, world.answer).points
    hide = cache(lambda question: random.Random(f"{seed} {question}").random() < 0.3)
    graded = grade(site, hidden(world.answer, hide, status))
    if graded.undetermined:
        low, high = graded.detail["points_range"]
        assert low <= truth <= high
        assert low < high
    else:
        assert graded.points == truth


@given(st.lists(st.text(st.characters(max_codepoint=255)), max_size=3), sites)
def test_any_bytes_are_graded(texts: list[str], site: str) -> None:
    rdata = tuple(sorted({text if n else f"v=DMARC1;{text}" for n, text in enumerate(texts)}))
    graded = grade(site, lambda question: Observation(*question, Status.ANSWERED, rdata))
    assert graded.points is not None
    for remark in graded.remarks:
        assert remark.text.isascii()


def own(tags: str) -> Answer:
    def answer(question: Question) -> Observation:
        texts = {"_dmarc.example.com": f"v=DMARC1; {tags}"} if question.rdtype == "TXT" else {}
        texts |= {"example.com": "10 mx.example.com"} if question.rdtype == "MX" else {}
        if question.name in texts:
            return Observation(*question, Status.ANSWERED, (texts[question.name],))
        return Observation(*question, Status.NXDOMAIN)

    return answer


def points(tags: str) -> int:
    graded = grade("example.com", own(tags))
    assert graded.points is not None
    return graded.points


others = st.tuples(
    st.sampled_from(["", "; sp=none", "; sp=quarantine", "; sp=reject"]),
    st.sampled_from(["", "; np=none", "; np=quarantine", "; np=reject"]),
    st.sampled_from(["", "; t=y", "; t=n"]),
    st.sampled_from(["", "; rua=mailto:a@example.com", "; rua=mailto:a@example.net"]),
    st.sampled_from(["", "; adkim=s", "; pct=50", "; fo=1; ruf=mailto:a@example.com"]),
).map("".join)


@given(others, st.sampled_from(["p", "sp", "np"]))
def test_a_stricter_policy_never_costs_points(rest: str, tag: str) -> None:
    for first in () if tag == "p" else POLICIES:
        kept = rest.replace(f"; {tag}=", "; x=")
        graded = [points(f"p={first}{kept}; {tag}={policy}") for policy in Policy]
        assert graded == sorted(graded)
    if tag == "p":
        graded = [points(f"p={policy}{rest}") for policy in Policy]
        assert graded == sorted(graded)


@given(others)
def test_testing_never_brings_points(rest: str) -> None:
    plain = rest.replace("; t=y", "").replace("; t=n", "")
    for policy in Policy:
        assert points(f"p={policy}{plain}; t=y") <= points(f"p={policy}{plain}")


@pytest.mark.parametrize("extra", ["adkim=s", "aspf=s", "fo=1", "ruf=mailto:a@example.com"])
def test_taste_is_worth_nothing(extra: str) -> None:
    record = "p=reject; rua=mailto:a@example.com"
    assert points(f"{record}; {extra}") == points(record) == 100


@pytest.mark.parametrize("tags", ["", "p=x", "p=reject; sp=x", "x=y"])
def test_a_record_that_is_not_applied_is_worth_no_more_than_none(tags: str) -> None:
    none = grade("example.com", lambda question: Observation(*question, Status.NXDOMAIN))
    assert points(tags) == none.points == 0
