"""The SPF grade as a function of what was observed; single situations are golden cases."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.lookup import Observation, Question
from services.common.dns.status import Status
from services.common.questions.spf import wanted
from services.common.reference.load import load
from services.grader.core.graders.spf import GRADER
from services.grader.core.graders.spf.evaluation import evaluate
from services.grader.core.verdict import Graded, Section

DOMAIN = "example.com"
PUBLIC = load("public")
World = Mapping[Question, Observation]


def seen(name: str, rdtype: str, *rdata: str) -> Observation:
    return Observation(name, rdtype, Status.ANSWERED if rdata else Status.NODATA, rdata)


def section(world: World) -> Section:
    """What a run collects from this world; names that are not in it do not exist."""
    known: dict[Question, Observation] = {}
    while new := [question for question in wanted(DOMAIN, known) if question not in known]:
        known |= {q: world.get(q) or Observation(*q, Status.NXDOMAIN) for q in new}
    return Section(DOMAIN, 0, known)


def grade(*observations: Observation) -> Graded:
    return GRADER.grade(section({one.question: one for one in observations}), PUBLIC)


def tags(graded: Graded) -> list[str]:
    return [remark.kind.tag for remark in graded.remarks]


NAMES = ["example.com", "a.example", "b.example", "c.example"]
TERM = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "-", "?"]),
        st.sampled_from(["include:", "a:", "mx:", "exists:"]),
        st.sampled_from(NAMES),
    ),
)
WORD = st.one_of(
    TERM,
    st.sampled_from(NAMES).map("redirect=".__add__),
    st.sampled_from(["-all", "~all", "all", "ptr", "ip4:192.0.2.0/24", "foo", "ip4:0.0.0.0/0"]),
)
TEXT = st.lists(WORD, max_size=5).map(lambda words: " ".join(["v=spf1", *words]))
TXT = st.lists(st.one_of(TEXT, TEXT, st.just("taco")), max_size=2, unique=True)
MX = st.sampled_from([(), ("10 a.example",), ("0 .",)])
ADDRESS = st.sampled_from([(), ("93.184.216.34",)])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = []
    for name in NAMES:
        world += [
            seen(name, "TXT", *sorted(draw(TXT))),
            seen(name, "MX", *draw(MX)),
            seen(name, "A", *draw(ADDRESS)),
            seen(name, "AAAA"),
        ]
    return {one.question: one for one in world}


@given(worlds(), st.data())
def test_a_grade_despite_gaps_is_the_grade_without_gaps(world: World, data: st.DataObject) -> None:
    hidden = data.draw(st.sets(st.sampled_from(sorted(world)), min_size=1, max_size=4))
    lost = st.sampled_from([Status.TIMEOUT, Status.SERVFAIL, Status.NODATA_UNPROVEN])
    partly = world | {q: Observation(*q, data.draw(lost)) for q in hidden}  # type: ignore[operator]
    whole, guessed = GRADER.grade(section(world), PUBLIC), GRADER.grade(section(partly), PUBLIC)
    if guessed.undetermined:
        low, high = guessed.detail["points_range"]
        assert guessed.points is None
        assert low < high
    else:
        assert guessed.points == whole.points


@given(worlds())
def test_all_that_is_known_is_graded(world: World) -> None:
    graded = GRADER.grade(section(world), PUBLIC)
    assert not graded.undetermined
    assert graded.points is not None
    assert 0 <= graded.points <= 100


@given(worlds(), st.randoms())
def test_the_order_of_records_changes_nothing(world: World, random: st.DataObject) -> None:
    def shuffled(one: Observation) -> Observation:
        rdata = list(one.rdata)
        random.shuffle(rdata)  # type: ignore[attr-defined]
        return replace(one, rdata=tuple(rdata))

    whole = GRADER.grade(section(world), PUBLIC)
    again = GRADER.grade(section({q: shuffled(one) for q, one in world.items()}), PUBLIC)
    assert again.points == whole.points
    assert sorted(tags(again)) == sorted(tags(whole))


@given(worlds())
def test_a_fatal_remark_is_worth_no_more_than_no_record(world: World) -> None:
    graded = GRADER.grade(section(world), PUBLIC)
    none = GRADER.grade(section(world | {Question(DOMAIN, "TXT"): seen(DOMAIN, "TXT")}), PUBLIC)  # type: ignore[operator]
    assert graded.points is not None
    assert none.points is not None
    if any(remark.kind.level == "fatal" for remark in graded.remarks):
        assert graded.points <= none.points
    else:
        assert graded.detail["state"] == "valid"


@given(st.lists(st.binary(max_size=80).map(lambda raw: raw.decode("latin-1")), max_size=3))
def test_no_txt_makes_it_fail(texts: list[str]) -> None:
    records = sorted({*texts, *(f"v=spf1 {text}" for text in texts[:1])})
    graded = grade(seen(DOMAIN, "TXT", *records), seen(DOMAIN, "MX"))
    for remark in graded.remarks:
        assert remark.text.isascii()


@pytest.mark.parametrize("missing", ["TXT", "MX"])
def test_an_empty_section_is_no_absence(missing: str) -> None:
    known = {q: seen(*q) for q in wanted(DOMAIN, {}) if q.rdtype != missing}
    graded = GRADER.grade(Section(DOMAIN, 0, known), PUBLIC)
    assert graded.undetermined
    assert graded.points is None
    assert "SPF_NOT_OBSERVED" in tags(graded)


def test_remarks_stand_worst_first() -> None:
    graded = grade(seen(DOMAIN, "TXT", "v=spf1 ptr ip4:10.0.0.1 foo ~all"), seen(DOMAIN, "MX"))
    levels = [remark.kind.level for remark in graded.remarks]
    assert levels == ["fatal", "warning", "deprecation", "info"]


def test_a_remark_names_the_lookups_that_it_rests_on() -> None:
    graded = grade(seen(DOMAIN, "TXT", "v=spf1 a:x.example -all"), seen(DOMAIN, "MX"))
    remark = graded.remarks[0]
    assert remark.kind.tag == "SPF_NO_A_RECORDS_IN_MECHANISM"
    assert [(ref.name, ref.rdtype, ref.status) for ref in remark.lookups] == [
        ("x.example", "A", "NXDOMAIN"),
        ("x.example", "AAAA", "NXDOMAIN"),
    ]


def test_a_tree_that_doubles_at_each_step_is_counted_and_shown_once() -> None:
    chain = [
        seen(
            f"n{n}.example", "TXT", f"v=spf1 include:n{n + 1}.example include:n{n + 1}.example -all"
        )
        for n in range(40)
    ]
    top = seen(DOMAIN, "TXT", "v=spf1 include:n0.example -all")
    graded = grade(top, *chain, seen("n40.example", "TXT", "v=spf1 -all"), seen(DOMAIN, "MX"))
    assert graded.detail["lookups"] == 2**41 - 1
    assert len(str(graded.detail)) < 100_000
    assert len(graded.remarks) < 150


def test_addresses_are_counted_once_and_by_qualifier() -> None:
    record = (
        "v=spf1 ip4:1.0.0.0/24 ip4:1.0.0.128/25 -ip4:2.0.0.0/24 include:i.example a:h.example/31"
    )
    view = evaluate(
        section(
            {
                one.question: one
                for one in (
                    seen(DOMAIN, "TXT", record),
                    seen("i.example", "TXT", "v=spf1 ip4:1.0.0.200 ip4:3.0.0.0/30 ip6:2a00::/127"),
                    seen("h.example", "A", "4.0.0.1"),
                    seen("h.example", "AAAA"),
                )
            }
        ),
        PUBLIC,
    )
    assert view.addresses == {4: 256 + 4 + 2, 6: 2}
