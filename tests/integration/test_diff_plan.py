"""When two runs can be compared, and when that takes a shadow regrade."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from services.cli.diff_plan import Comparison, NotComparableError, plan
from services.common.messages.topics import GRADE_REQUESTS
from services.common.reference.bundle import VERSION as REFERENCE
from services.common.store import partitions, regrades
from services.common.store.database import engine as connect
from services.common.store.diffs import Rules
from services.common.store.regrades import Plan
from services.common.store.runs import close_window, open_window
from services.grader.core.catalogue import GRADERS
from tests.integration.compared import GRADED_AT, NEW, OLD, put
from tests.unit.grader.core.verdicts import verdict

pytestmark = pytest.mark.services

VERSION = GRADERS["spf"].version
CURRENT = verdict(grader_version=VERSION, reference_version=REFERENCE)
OLDER = replace(CURRENT, grader_version=VERSION - 1)
NEWER = replace(CURRENT, grader_version=VERSION + 1)
RULES = Rules(VERSION, REFERENCE, "world")
SHADOW = Plan(OLD, 0, {"spf": VERSION}, REFERENCE, shadow=True, force=False)
LATER = datetime.fromtimestamp(GRADED_AT / 1e6, UTC) + timedelta(minutes=1)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    connections = connect(database)
    for run in (OLD, NEW):
        partitions.create(connections, run)
    with connections.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO runs (id, state, created_at, finished_at, secret, depth, top)"
                " OVERRIDING SYSTEM VALUE SELECT unnest(ARRAY[3, 4]), 'graded', now(), now(), 'x',"
                " 'normal', 9"
            )
        )
        open_window(connection, OLD, GRADE_REQUESTS, {0: 5})
        close_window(connection, OLD, GRADE_REQUESTS, {0: 6})
        yield connection
    connections.dispose()


def spf(connection: Connection) -> Comparison:
    [found] = plan(connection, OLD, NEW, ())
    return found


def test_equal_rules_need_no_shadow(connection: Connection) -> None:
    put(connection, OLD, 1, NEWER)
    put(connection, NEW, 1, replace(NEWER, points=10, evidence_hash=b"b"))
    newer = replace(RULES, grader_version=VERSION + 1)
    assert spf(connection) == Comparison("spf", {newer: 1}, newer)


def test_equal_rules_that_judged_equal_evidence_otherwise_need_one(connection: Connection) -> None:
    put(connection, OLD, 1, CURRENT)
    put(connection, NEW, 1, replace(CURRENT, points=10))
    assert spf(connection).needs_shadow


def test_other_rules_need_one(connection: Connection) -> None:
    put(connection, OLD, 1, OLDER)
    put(connection, OLD, 2, CURRENT)
    put(connection, NEW, 1, CURRENT)
    before = {replace(RULES, grader_version=VERSION - 1): 1, RULES: 1}
    assert spf(connection) == Comparison("spf", before, RULES, needs_shadow=True)


def test_a_grader_that_came_later_needs_one(connection: Connection) -> None:
    put(connection, NEW, 1, CURRENT)
    assert spf(connection) == Comparison("spf", {}, RULES, needs_shadow=True)


def test_a_finished_shadow_is_used_again(connection: Connection) -> None:
    put(connection, OLD, 1, OLDER)
    put(connection, NEW, 1, CURRENT)
    made = regrades.begin(connection, SHADOW, LATER)
    assert spf(connection).needs_shadow, "it is not finished"
    regrades.finish(connection, made.id, LATER)
    assert spf(connection) == Comparison(
        "spf", {replace(RULES, grader_version=VERSION - 1): 1}, RULES, made.id
    )


@pytest.mark.parametrize(
    ("made", "at"),
    [
        (SHADOW, LATER - timedelta(hours=1)),
        (replace(SHADOW, shadow=False), LATER),
        (replace(SHADOW, generation=1), LATER),
        (replace(SHADOW, run_id=NEW), LATER),
        (replace(SHADOW, versions={"mx": VERSION}), LATER),
        (replace(SHADOW, versions={"spf": VERSION + 1}), LATER),
        (replace(SHADOW, reference_version=REFERENCE + 1), LATER),
    ],
)
def test_what_says_nothing_of_these_grades_is_not_used(
    connection: Connection, made: Plan, at: datetime
) -> None:
    put(connection, OLD, 1, OLDER)
    put(connection, NEW, 1, CURRENT)
    regrades.finish(connection, regrades.begin(connection, made, at).id, at)
    assert spf(connection).needs_shadow


def test_rules_of_another_release_are_refused_with_the_remedy(connection: Connection) -> None:
    put(connection, OLD, 1, CURRENT)
    put(connection, NEW, 1, NEWER)
    with pytest.raises(NotComparableError, match=f"`dnstats regrade {NEW} --grader spf` first"):
        spf(connection)


def test_a_run_judged_by_several_rules_is_refused_with_the_remedy(connection: Connection) -> None:
    put(connection, OLD, 1, CURRENT)
    put(connection, NEW, 1, CURRENT)
    put(connection, NEW, 2, OLDER)
    with pytest.raises(NotComparableError, match=f"alike with `dnstats regrade {NEW}"):
        spf(connection)


def test_runs_of_different_worlds_are_refused(connection: Connection) -> None:
    put(connection, OLD, 1, CURRENT)
    put(connection, NEW, 1, CURRENT)
    connection.execute(text("UPDATE grades SET reference_name = 'public' WHERE run_id = 4"))
    with pytest.raises(NotComparableError, match="different worlds"):
        spf(connection)


@pytest.mark.parametrize(("wanted", "missing"), [((), f"run {NEW} has no grades"), (("mx",), "mx")])
def test_a_run_without_grades_is_refused(
    connection: Connection, wanted: tuple[str, ...], missing: str
) -> None:
    with pytest.raises(NotComparableError, match=missing):
        plan(connection, OLD, NEW, wanted)
