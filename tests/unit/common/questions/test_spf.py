"""The tree of SPF records that a receiver may walk."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.lookup import Observation, Question
from services.common.dns.status import Status
from services.common.questions.spf import MAX_NODES, nodes, wanted

DOMAIN = "example.com"
SITE = [Question(DOMAIN, "TXT"), Question(DOMAIN, "MX")]


def txt(name: str, *texts: str) -> Observation:
    return Observation(name, "TXT", Status.ANSWERED if texts else Status.NODATA, texts)


def known(*observations: Observation) -> dict[Question, Observation]:
    return {seen.question: seen for seen in observations}


def asked(*observations: Observation) -> list[str]:
    """What is wanted beyond the site's TXT and MX."""
    return [f"{q.name} {q.rdtype}" for q in wanted(DOMAIN, known(*observations)) if q not in SITE]


def test_the_first_round() -> None:
    assert wanted(DOMAIN, {}) == SITE


def test_what_one_record_names() -> None:
    record = (
        "v=spf1 include:i.example a:a.example ~exists:e.example ip4:192.0.2.1 ptr:p.example -all"
    )
    assert asked(txt(DOMAIN, "other", record)) == [
        "i.example TXT",
        "a.example A",
        "a.example AAAA",
        "e.example A",
    ]


def test_redirect_only_where_there_is_no_all() -> None:
    assert asked(txt(DOMAIN, "v=spf1 redirect=r.example")) == ["r.example TXT"]
    assert asked(txt(DOMAIN, "v=spf1 redirect=r.example -all")) == []


def test_nothing_after_all() -> None:
    assert asked(txt(DOMAIN, "v=spf1 -all include:i.example a:a.example")) == []


def test_nothing_of_two_records_or_of_none() -> None:
    assert asked(txt(DOMAIN, "v=spf1 include:a.example", "v=spf1 include:b.example")) == []
    assert asked(txt(DOMAIN, "include:a.example")) == []


def test_the_site_itself() -> None:
    assert asked(txt(DOMAIN, "v=spf1 a mx")) == ["example.com A", "example.com AAAA"]


def test_mail_servers_by_preference_up_to_ten() -> None:
    rdata = tuple(f"{20 - n} h{n:02}.example" for n in range(12))
    mx = Observation("m.example", "MX", Status.ANSWERED, rdata)
    hosts = [f"h{n:02}.example" for n in range(11, 1, -1)]
    addresses = [f"{host} {rdtype}" for host in hosts for rdtype in ("A", "AAAA")]
    assert asked(txt(DOMAIN, "v=spf1 mx:m.example"), mx) == ["m.example MX", *addresses]


def test_a_null_mx_names_nobody() -> None:
    mx = Observation("m.example", "MX", Status.ANSWERED, ("0 .",))
    assert asked(txt(DOMAIN, "v=spf1 mx:m.example"), mx) == ["m.example MX"]


def test_macros_are_expanded_where_they_are_static() -> None:
    record = (
        "v=spf1 include:_s.%{d} exists:%{dr}.x.example include:%{i}.x.example include:a..b.example"
    )
    assert asked(txt(DOMAIN, record)) == ["_s.example.com TXT", "com.example.x.example A"]


def test_a_macro_means_the_record_that_it_stands_in() -> None:
    top = txt(DOMAIN, "v=spf1 include:i.example")
    assert asked(top, txt("i.example", "v=spf1 a:m.%{d}"))[1:] == [
        "m.i.example A",
        "m.i.example AAAA",
    ]


def test_circles_end() -> None:
    first = txt(DOMAIN, "v=spf1 include:i.example")
    second = txt("i.example", "v=spf1 include:example.com include:i.example")
    assert asked(first, second) == ["i.example TXT"]


def test_faulty_terms_do_not_hide_the_others() -> None:
    assert asked(txt(DOMAIN, "v=spf1 foo include:i.example")) == ["i.example TXT"]


def test_a_tree_without_end_is_cut() -> None:
    observations = [txt(DOMAIN, "v=spf1 include:n0.example")]
    observations += [
        txt(f"n{n}.example", f"v=spf1 include:n{n + 1}.example include:m{n}.example a mx")
        for n in range(200)
    ]
    assert len(nodes(DOMAIN, known(*observations))) == MAX_NODES
    assert len(asked(*observations)) < 150


def test_a_record_of_thousands_of_terms_is_cut() -> None:
    terms = " ".join(f"a:h{n}.example include:i{n}.example" for n in range(2_000))
    assert len(asked(txt(DOMAIN, f"v=spf1 {terms}"))) < 150


NAMES = ["example.com", "a.example", "b.example", "c.example", "d.example"]
TERMS = st.sampled_from(
    [f"{kind}{name}" for kind in ("include:", "redirect=", "a:", "mx:") for name in NAMES]
)
RECORDS = st.lists(TERMS, max_size=6).map(lambda terms: " ".join(["v=spf1", *terms]))
WORLDS = st.fixed_dictionaries({name: st.one_of(st.none(), RECORDS) for name in NAMES}).map(
    lambda world: {name: txt(name, *([text] if text else [])) for name, text in world.items()}
)


@given(WORLDS)
def test_what_was_wanted_once_stays_wanted(world: Mapping[str, Observation]) -> None:
    answers: dict[Question, Observation] = {}
    before: list[Question] = []
    for _ in range(20):
        now = wanted(DOMAIN, answers)
        assert set(before) <= set(now)
        assert len(set(now)) == len(now)
        if before == now:
            return
        before = now
        answers |= {q: world.get(q.name, txt(q.name)) for q in now if q.rdtype == "TXT"}
    raise AssertionError("no end")
