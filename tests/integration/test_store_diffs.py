"""What the database says of two runs, against the definition in pure code."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from services.common.store import diff_counts, diffs, partitions
from services.common.store.database import engine as connect
from services.grader.core.attribution import Attribution, attribute
from tests.integration.compared import NEW, OLD, SHADOW, Site, fix, lay
from tests.unit.grader.core.verdicts import MISSING, verdict, verdicts

pytestmark = pytest.mark.services

TAGS = ("SPF_HAS_PTR", "SPF_PASS_ALL", "SPF_LOOP")
REMARKS = st.lists(st.sampled_from(TAGS), max_size=3)


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """The new rules see the old evidence when it was collected, and can only add a grade."""
    old, judged, new = draw(verdicts()), draw(st.none() | verdicts()), draw(verdicts())
    if judged == MISSING:
        judged = old
    if judged:
        judged = replace(judged, finished_at=old.finished_at)
    before, after, later = draw(REMARKS), draw(REMARKS), draw(REMARKS)
    if judged == old:
        after = before
    return Site(old, judged, new, (before, after, later))


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = connect(database)
    for run in (OLD, NEW):
        partitions.create(connections, run)
    yield connections
    connections.dispose()


def test_example(engine: Engine) -> None:
    """The case that the page on replay tells: rule +5, world -5."""
    site = Site(
        verdict(80), verdict(85, grader_version=2), verdict(80, finished_at=2), ((), (), ())
    )
    site = replace(site, new=replace(site.new, grader_version=2, evidence_hash=b"b"))
    with engine.begin() as connection:
        lay(connection, [site])
        [row] = diff_counts.largest(connection, 5)
        [kind] = diff_counts.kinds(connection)
    assert (row["rule"], row["world"], row["rule_causes"]) == (5, -5, ["grader"])
    assert dict(kind) == {"grader": "spf", "kind": "cancelled", "sites": 1}


@given(st.lists(sites(), min_size=1, max_size=30))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_attributes_as_the_definition_does(engine: Engine, given: list[Site]) -> None:
    with engine.begin() as connection:
        lay(connection, given)
        rows = connection.execute(text("SELECT * FROM compared ORDER BY site_id")).mappings().all()
        assert [_attribution(row) for row in rows] == [
            attribute(site.old, site.judged, site.new) for site in given
        ]
        assert_sums_close(connection, given)
        assert_remarks_are_counted(connection, given)
        assert len(list(diff_counts.changes(connection))) == sum(
            row["kind"] != "unchanged" for row in rows
        )
        connection.rollback()


def assert_sums_close(connection: Connection, given: Sequence[Site]) -> None:
    found = diff_counts.points(connection)
    scored = [
        (site.old.points, site.judged.points, site.new.points)
        for site in given
        if site.judged and None not in (site.old.points, site.judged.points, site.new.points)
    ]
    assert [(row["sites"], row["old"], row["judged"], row["new"]) for row in found] == (
        [(len(scored), *(sum(map(int, column)) for column in zip(*scored, strict=True)))]
        if scored
        else []
    )
    for row in found:
        assert row["new"] - row["old"] == row["rule"] + row["world"]
        assert row["rule"] == (row["rule_up"] or 0) + (row["rule_down"] or 0)
        assert row["world"] == (row["world_up"] or 0) + (row["world_down"] or 0)


def assert_remarks_are_counted(connection: Connection, given: Sequence[Site]) -> None:
    expected: Counter[tuple[str, str, str]] = Counter()
    for site in given:
        if site.judged is None or MISSING in (site.old, site.judged, site.new):
            continue
        before, after, later = map(set, site.tags)
        expected.update(("rule", tag, "gained") for tag in after - before)
        expected.update(("rule", tag, "lost") for tag in before - after)
        expected.update(("world", tag, "gained") for tag in later - after)
        expected.update(("world", tag, "lost") for tag in after - later)
    found: Counter[tuple[str, str, str]] = Counter()
    for row in diff_counts.remarks(connection, OLD, NEW, "spf", SHADOW):
        for way in ("gained", "lost"):
            found[(row["part"], row["tag"], way)] += row[way]
            assert min(row[way], diff_counts.EXAMPLES) == len(row[f"{way}_by"] or ())
    assert +found == expected


def test_sites_of_one_run_are_listed_and_not_compared(engine: Engine) -> None:
    with engine.begin() as connection:
        fix(connection, OLD, {1: "left.test", 2: "both.test"})
        fix(connection, NEW, {2: "both.test", 3: "entered.test"})
        diffs.compare(connection, OLD, NEW, "spf", None)
        assert diff_counts.only_in(connection, OLD, NEW) == ["left.test"]
        assert diff_counts.only_in(connection, NEW, OLD) == ["entered.test"]
        assert [dict(row) for row in diff_counts.kinds(connection)] == [
            {"grader": "spf", "kind": "unchanged", "sites": 1}
        ]


def test_transitions_are_counted_by_part(engine: Engine) -> None:
    new = verdict(None, evidence_hash=b"b", finished_at=2)
    site = Site(verdict(80), verdict(80), new, ((), (), ()))
    with engine.begin() as connection:
        lay(connection, [site, site])
        [row] = diff_counts.transitions(connection)
    assert (row["part"], row["before"], row["after"], row["sites"]) == (
        "world",
        "points",
        "withheld",
        2,
    )
    assert row["examples"][0] == {"domain": "s1.test", "before": 80, "after": None}


def test_equal_evidence_that_equal_rules_judge_otherwise_is_suspicious(engine: Engine) -> None:
    alike = Site(verdict(80), verdict(80), verdict(80, finished_at=2), ((), (), ()))
    for site, expected in (
        (alike, False),
        (replace(alike, new=verdict(70, finished_at=2)), True),
        (replace(alike, new=verdict(None, finished_at=2)), True),
        (replace(alike, new=verdict(70, evidence_hash=b"b")), False),
        (replace(alike, new=verdict(70, grader_version=2)), False),
    ):
        with engine.begin() as connection:
            lay(connection, [site])
            assert diffs.is_suspicious(connection, OLD, NEW, "spf") is expected
            connection.rollback()


def _attribution(row: Any) -> Attribution:
    return Attribution(
        row["kind"],
        tuple(row["rule_causes"]),
        tuple(row["world_causes"]),
        row["rule"],
        row["world"],
    )
