"""`dnstats diff` as a user meets it, where no grader has to judge anything."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from services.cli.__main__ import build
from services.common.store import partitions
from services.common.store.database import engine as connect
from tests.integration.compared import NEW, OLD, fix, put
from tests.unit.grader.core.verdicts import verdict

pytestmark = pytest.mark.services

Diff = Callable[..., Result]
OPEN, PRUNED = 5, 6


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = connect(database)
    with connections.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO runs (id, state, created_at, finished_at, pruned_at, secret, depth,"
                " top) OVERRIDING SYSTEM VALUE SELECT n, CASE n WHEN 5 THEN 'queued' ELSE 'graded'"
                " END, now(), CASE WHEN n <> 5 THEN now() END, CASE n WHEN 6 THEN now() END, 'x',"
                " 'normal', 9 FROM generate_series(3, 6) n"
            )
        )
    for run in (OLD, NEW):
        partitions.create(connections, run)
    yield connections
    connections.dispose()


@pytest.fixture
def diff(engine: Engine, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Diff:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DNSTATS_DATABASE", database)
    return lambda *arguments: CliRunner().invoke(build("diff"), ["diff", *map(str, arguments)])


def test_runs_by_equal_rules_are_compared_without_a_regrade(engine: Engine, diff: Diff) -> None:
    with engine.begin() as connection:
        for run in (OLD, NEW):
            fix(connection, run, {1: "a.test", 2: "b.test"})
        put(connection, OLD, 1, verdict(80))
        put(connection, OLD, 2, verdict(None))
        put(connection, NEW, 1, verdict(70, evidence_hash=b"b"))
        put(connection, NEW, 2, verdict(None))
    said = json.loads(diff(OLD, NEW, "--json").stdout)
    assert said["graders"]["spf"]["points"]["world"] == -10
    assert said["graders"]["spf"]["shadow"] is None
    assert [(one["domain"], one["kind"]) for one in said["changes"]] == [("a.test", "world")]
    done = diff(OLD, NEW)
    assert done.exit_code == 0
    assert "1 sites: 80 + 0 rule - 10 world = 70" in done.stdout


@pytest.mark.parametrize(
    ("runs", "status", "said"),
    [
        ((OLD, OLD), 2, "a run is compared with another one"),
        ((OLD, 99), 2, "there is no run 99"),
        ((OLD, OPEN), 1, "run 5 is still queued: only closed runs are compared"),
        ((PRUNED, NEW), 1, "run 6 was pruned: its grades are gone"),
        ((OLD, NEW), 2, "run 4 has no grades"),
        ((OLD, NEW, "--grader", "nosuch"), 2, "no grader is called nosuch"),
    ],
)
def test_what_cannot_be_compared_is_told(
    diff: Diff, runs: tuple[object, ...], status: int, said: str
) -> None:
    done = diff(*runs)
    assert (done.exit_code, done.stdout) == (status, "")
    assert done.stderr.startswith(said)


def test_a_second_run_by_several_rules_is_refused_with_the_remedy(
    engine: Engine, diff: Diff
) -> None:
    with engine.begin() as connection:
        put(connection, NEW, 1, verdict())
        put(connection, NEW, 2, replace(verdict(), grader_version=7))
    done = diff(OLD, NEW)
    assert done.exit_code == 2
    assert f"`dnstats regrade {NEW} --grader spf`" in done.stderr
