"""The bundled world means what it says, and its page says it too."""

import pytest

from deploy.local.world import document
from deploy.local.world.bundled import Situation, build, situations
from tests.unit.deploy.world.inside import grades

WORLD, SITES = build()
LISTED = [situation for situation in situations() if situation.share]


@pytest.mark.parametrize("situation", LISTED, ids=lambda situation: situation.name)
def test_graders_find_what_a_situation_was_made_for(situation: Situation) -> None:
    domain = next(situation.sites())[0]
    found = {
        remark.kind.tag for graded in grades(WORLD, domain).values() for remark in graded.remarks
    }
    assert found >= set(situation.remarks)


def test_what_is_called_exemplary_has_full_points() -> None:
    assert {graded.points for graded in grades(WORLD, "exemplary.test").values()} == {100}


def test_list_is_ranked_without_gaps_and_each_domain_is_there_once() -> None:
    assert [site.rank for site in SITES] == list(range(1, len(SITES) + 1))
    assert len({site.domain for site in SITES}) == len(SITES) == sum(s.share for s in LISTED)


def test_building_twice_gives_the_same_list() -> None:
    assert build()[1] == SITES


def test_scale_multiplies_the_sites() -> None:
    assert len(build(3)[1]) == 3 * len(SITES)


def test_page_lists_every_situation() -> None:
    page = document.PAGE.read_text("utf-8")
    assert page == document.renewed(page)
