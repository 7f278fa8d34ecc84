"""Properties of MX grades, over random but possible worlds."""

import random
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.lookup import Observation, Question
from services.common.dns.status import DETERMINED, Status
from services.common.questions.mx import wanted
from services.common.reference.load import load
from services.grader.core.graders.mx import GRADER
from services.grader.core.verdict import Graded
from tests.unit.grader.core.graders.sections import Answer, backwards, hidden, section

PUBLIC = load("public")
SITE = "example.com"
UNOBSERVED = sorted(set(Status) - DETERMINED)
EXCHANGES = (
    ".",
    "a.example.com",
    "b.example.com",
    "c.example.net",
    "d_.example.net",
    "192.0.2.1",
    "localhost",
    "x.msv1.invalid",
    "e.example.lan",
)


def grade(answer: Answer) -> Graded:
    return GRADER.grade(section(SITE, wanted, answer), PUBLIC)


class World:
    """Answers that follow from a seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.answer = cache(self._answer)

    def _answer(self, question: Question) -> Observation:
        chance = random.Random(f"{self._seed} {question}")
        status = chance.choices(
            [Status.ANSWERED, Status.NODATA, Status.NXDOMAIN, Status.BOGUS], [6, 3, 1, 1]
        )[0]
        if status is not Status.ANSWERED:
            return Observation(*question, status, zone=chance.choice(["", "com", "example.com"]))
        if question.rdtype == "MX":
            names = chance.sample(EXCHANGES, chance.randrange(1, 5))
            rdata = [f"{chance.randrange(3)} {name}" for name in names]
        else:
            private = chance.random() < 0.3
            public = "8.8.8.8" if question.rdtype == "A" else "2001:4860:4860::8888"
            rdata = [("10.0.0.1" if question.rdtype == "A" else "fd00::1") if private else public]
        return Observation(*question, status, tuple(sorted(rdata)), self._aliases(question.name))

    def _aliases(self, name: str) -> tuple[str, ...]:
        """An alias is one for every type."""
        chance = random.Random(f"{self._seed} {name}")
        return ("alias.example.net",) if chance.random() < 0.2 else ()


worlds = st.builds(World, st.integers(0, 1 << 32))


@given(worlds)
def test_order_changes_nothing(world: World) -> None:
    seen = section(SITE, wanted, world.answer)
    there, back = GRADER.grade(seen, PUBLIC), GRADER.grade(backwards(seen), PUBLIC)
    assert there.points == back.points
    assert [r.kind.tag for r in there.remarks] == [r.kind.tag for r in back.remarks]


@given(worlds)
def test_what_is_observed_is_graded(world: World) -> None:
    graded = grade(world.answer)
    assert not graded.undetermined
    assert graded.points is not None
    assert 0 <= graded.points <= 100


@given(worlds, st.integers(0, 1 << 32), st.sampled_from(UNOBSERVED))
def test_the_truth_lies_within_what_was_not_observed(
    world: World, seed: int, status: Status
) -> None:
    truth = grade(world.answer).points
    hide = cache(lambda question: random.Random(f"{seed} {question}").random() < 0.3)
    graded = grade(hidden(world.answer, hide, status))
    if graded.undetermined:
        low, high = graded.detail["points_range"]
        assert low <= truth <= high
        assert low < high
    else:
        assert graded.points == truth


@given(st.lists(st.text(st.characters(max_codepoint=255)), max_size=4))
def test_any_text_is_graded(texts: list[str]) -> None:
    def answer(question: Question) -> Observation:
        rdata = sorted({f"{n} {text}" for n, text in enumerate(texts)} if texts else {"0 ."})
        return Observation(*question, Status.ANSWERED, tuple(rdata))

    assert grade(answer).points is not None


@given(worlds)
def test_a_further_good_exchange_never_costs_points(world: World) -> None:
    before = grade(world.answer)
    if before.detail["state"] not in ("valid", "partly valid", "invalid"):
        return

    def answer(question: Question) -> Observation:
        seen = world.answer(question)
        if question.rdtype == "MX":
            return Observation(*question, Status.ANSWERED, (*seen.rdata, "9 new.example.org"))
        if question.name == "new.example.org":
            text = "9.9.9.9" if question.rdtype == "A" else "2620:fe::9"
            return Observation(*question, Status.ANSWERED, (text,))
        return seen

    after = grade(answer).points
    assert after is not None
    assert before.points is not None
    assert after >= before.points
