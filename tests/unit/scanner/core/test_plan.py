"""The plan: it ends, it stays within its caps, and it depends on nothing but the answers."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.lookup import Observation, Question
from services.common.dns.names import labels, to_wire
from services.common.dns.status import Status
from services.common.questions import basics, dmarc, mx, spf
from services.scanner.core.plan import MAX_QUESTIONS, next_questions, next_round

SECRET = b"secret of this run"
SITES = ("site.test", "www.site.test", "a.b.c.d.e.f.g.h.i.site.test", "test", "x\\.y.test")
MANY_ROUNDS = 150


class HostileWorld:
    """Every name exists and says something, chosen by a seed: wildcards, loops, trees, floods."""

    def __init__(self, seed: int, site: str, width: int) -> None:
        self._seed = seed
        self._site = site
        self._width = width

    def observe(self, question: Question) -> Observation:
        chance = random.Random(f"{self._seed} {question}")
        status = chance.choices([Status.ANSWERED, *Status], [30, *[1] * len(Status)])[0]
        if status is not Status.ANSWERED:
            return Observation(*question, status, zone=self._zone(question, chance))
        aliases = (self._name(chance),) if chance.random() < 0.3 else ()
        rdata = tuple(sorted(self._rdata(question.rdtype, chance)))
        zone = "" if aliases else self._zone(question, chance)
        return Observation(*question, status, rdata, aliases, zone=zone)

    def _zone(self, question: Question, chance: random.Random) -> str:
        parts = labels(question.name)
        return ".".join(parts[chance.randrange(len(parts) + 1) :]) or "."

    def _name(self, chance: random.Random) -> str:
        depth = chance.randrange(1, 5)
        parts = [str(chance.randrange(self._width)) for _ in range(depth)]
        return ".".join([*parts, chance.choice([self._site, "other.test", "test"])])

    def _rdata(self, rdtype: str, chance: random.Random) -> list[str]:
        names = [self._name(chance) for _ in range(chance.randrange(60))]
        if rdtype == "TXT":
            spf_terms = " ".join(
                chance.choice(["include:", "a:", "mx:", "exists:", "ptr:"]) + name for name in names
            )
            return chance.choices(
                [
                    f"v=spf1 {spf_terms} redirect={self._name(chance)}",
                    f"v=spf1 include:%{{d}} redirect={self._site}",
                    "v=DMARC1; p=reject; rua=" + ",".join(f"mailto:x@{name}" for name in names),
                    "v=DMARC1; p=none; psd=" + chance.choice("yn"),
                    "\0\xff" * 50,
                ],
                k=chance.randrange(1, 3),
            )
        if rdtype == "MX":
            return [f"{chance.randrange(3)} {name}" for name in names]
        return names


def scan(world: HostileWorld, site: str, cap: int) -> tuple[dict[Question, Observation], int]:
    """Everything known at the end, and how many questions were asked."""
    known: dict[Question, Observation] = {}
    asked = 0
    for _ in range(MANY_ROUNDS):
        now = next_round(site, SECRET, known, cap)
        if not now:
            return known, asked
        asked += len(now.ask)
        known |= {question: world.observe(question) for question in now.ask}
        known |= {q: Observation(*q, Status.NOT_ASKED, reason="cap") for q in now.beyond}
    pytest.fail(f"{MANY_ROUNDS} rounds were not enough")


worlds = st.builds(
    lambda seed, site, width: (HostileWorld(seed, site, width), site),
    st.integers(0, 2**32),
    st.sampled_from(SITES),
    st.sampled_from([2, 50, 10**9]),
)


@given(worlds, st.sampled_from([1, 20, 200, MAX_QUESTIONS]))
def test_the_plan_ends_within_its_caps(world: tuple[HostileWorld, str], cap: int) -> None:
    known, asked = scan(*world, cap)
    assert asked <= cap
    assert len(known) <= MAX_QUESTIONS


@given(worlds)
def test_what_a_scan_leaves_is_closed(world: tuple[HostileWorld, str]) -> None:
    known, _ = scan(*world, 200)
    site = world[1]
    if len(known) < MAX_QUESTIONS and basics.may_exist(site, known):
        for family in (spf, dmarc, mx):
            assert set(family.wanted(site, known)) <= set(known)
        assert set(basics.wanted(site, SECRET, known)) <= set(known)


@given(worlds, st.randoms(use_true_random=False))
def test_the_order_of_the_answers_changes_nothing(
    world: tuple[HostileWorld, str], order: random.Random
) -> None:
    hostile, site = world
    known: dict[Question, Observation] = {}
    for _ in range(6):
        shuffled = list(known.items())
        order.shuffle(shuffled)
        plan = next_round(site, SECRET, known)
        assert next_round(site, SECRET, dict(shuffled)) == plan
        known |= {question: hostile.observe(question) for question in plan.ask}


@given(worlds)
def test_every_question_is_new_and_can_be_asked(world: tuple[HostileWorld, str]) -> None:
    hostile, site = world
    known: dict[Question, Observation] = {}
    for _ in range(4):
        questions = next_questions(site, SECRET, known)
        assert len(set(questions)) == len(questions)
        for question in questions:
            assert question not in known
            to_wire(question.name)
        known |= {question: hostile.observe(question) for question in questions}


def test_the_cap_splits_a_round() -> None:
    site = "site.test"
    known = {Question(site, "SOA"): Observation(site, "SOA", Status.NODATA, zone=site)}
    whole = next_round(site, SECRET, known)
    assert whole.beyond == ()
    part = next_round(site, SECRET, known, cap=4)
    assert part.ask + part.beyond == whole.ask
    assert len(part.ask) == 3


def test_of_a_missing_site_only_the_dmarc_records_above_are_asked() -> None:
    site = "gone.site.test"
    known = {Question(site, "SOA"): Observation(site, "SOA", Status.NXDOMAIN, zone="site.test")}
    above = (Question("_dmarc.site.test", "TXT"), Question("_dmarc.test", "TXT"))
    assert next_round(site, SECRET, known).ask == above
    known |= {question: Observation(*question, Status.NXDOMAIN) for question in above}
    assert not next_round(site, SECRET, known)


def test_nothing_is_planned_beyond_the_most_questions_of_all() -> None:
    site = "site.test"
    known = {
        Question(f"x{number}.test", "A"): Observation(f"x{number}.test", "A", Status.TIMEOUT)
        for number in range(MAX_QUESTIONS - 3)
    }
    known[Question(site, "SOA")] = Observation(site, "SOA", Status.NODATA, zone=site)
    plan = next_round(site, SECRET, known, cap=1)
    assert plan.ask == ()
    assert len(plan.beyond) == 2
