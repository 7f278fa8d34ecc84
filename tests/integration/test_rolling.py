"""A release rolled out while a run goes on: newer wins, and nothing is lost."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from services.common.messages.topics import GRADE_REQUESTS
from services.grader.core.catalogue import GRADERS
from services.processor.core.version import VERSION as PROCESSOR
from services.scheduler.core.run_states import State
from tests.integration.pipeline import Machine, Rows, differences, machine, rows_of
from tests.integration.progress import Progress, eventually
from tests.integration.release import (
    NEWER_PROCESSOR,
    NEWER_SCANNER,
    NEXT_DISTRIBUTION,
    newer_grader,
    newer_messages,
    newer_schema,
    release,
)
from tests.integration.rollout import Rollout, rollout

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

SITES = 150
FEW = 60
"""Fewer dead letters than stop a grader."""
SLOWLY = {"SITES_IN_FLIGHT": "2", "BATCHES_IN_FLIGHT": "2"}
"""So that a run lasts longer than it takes to end a service."""
NEXT_MX = GRADERS["mx"].version + 1


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("rolling"), given=SLOWLY) as to:
        to.import_list(SITES)
        yield to


@pytest.fixture(scope="module")
def progress(local: Machine) -> Iterator[Progress]:
    found = Progress(local.dsn, local.bootstrap)
    yield found
    found.close()


@pytest.fixture(scope="module")
def newer(local: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A release in which every service does something else than ours."""
    edits = [*newer_grader("mx"), *NEWER_PROCESSOR, *NEWER_SCANNER, *newer_schema()]
    return local.with_code(release(tmp_path_factory.mktemp("newer") / "tree", edits))


@pytest.fixture
def wordier(local: Machine, tmp_path: Path) -> Machine:
    """A release that writes messages which ours cannot read."""
    return local.with_code(release(tmp_path / "tree", newer_messages()))


def test_a_release_is_rolled_out_during_a_run(
    local: Machine, newer: Machine, progress: Progress
) -> None:
    newer.dnstats("database", "migrate")
    _restart_ours_on_the_newer_schema(local)
    with rollout(local) as rolled:
        rolled.add(newer, "grader", "processor", "scanner", "scheduler")
        mixed = local.start_run("--batch-size", "1")
        _end_ours_one_by_one(rolled, progress, mixed)
        _closed(progress, mixed)
        assert "the books are right" in newer.dnstats("runs", "verify", str(mixed))
        _check_versions_are_mixed(_shown(local, mixed))
        alone = newer.start_run("--batch-size", "1", "--wait")
        newer.dnstats("reprocess", str(mixed))
        newer.dnstats("regrade", str(mixed))
    _check_versions_are_one(_shown(local, mixed))
    expected = _without_the_scanner(newer, alone)
    assert differences(expected, _without_the_scanner(newer, mixed)) == []
    assert progress.dead_letters() == 0

    local.dnstats("regrade", str(mixed))  # ours are the older ones now: newer wins
    assert differences(expected, _without_the_scanner(newer, mixed)) == []
    local.dnstats("regrade", str(mixed), "--grader", "mx", "--force")
    assert _mx_versions(_shown(local, mixed)) == {GRADERS["mx"].version: SITES}


def test_readers_first_loses_nothing(local: Machine, wordier: Machine, progress: Progress) -> None:
    local.import_list(FEW)
    before = progress.dead_letters()
    with rollout(local) as rolled:
        for service in ("grader", "processor", "scanner"):
            rolled.replace(wordier, service)
        run = wordier.start_run("--wait")
        assert "the books are right" in wordier.dnstats("runs", "verify", str(run))
        assert _shown(wordier, run)["failed"] == []
    assert progress.dead_letters() == before


def test_writers_first_can_be_mended(local: Machine, wordier: Machine, progress: Progress) -> None:
    """What old graders cannot read is a dead letter, and a grade once they can."""
    local.import_list(FEW)
    peaceful = local.start_run("--wait")
    with rollout(local) as rolled:
        rolled.replace(wordier, "processor")
        run = local.start_run("--wait")
        failed = _shown(local, run)["failed"]
        assert {row["stage"] for row in failed} == {"grader-spf", "grader-dmarc", "grader-mx"}
        assert all("schema fingerprint" in row["reason"] for row in failed)
        assert "the books are right" in local.dnstats("runs", "verify", str(run))

        rolled.replace(wordier, "grader")
        local.dnstats("dlq", "requeue", "--topic", GRADE_REQUESTS, "--run", str(run), "--yes")
        _closed(progress, run)
        assert _shown(local, run)["failed"] == []
        assert "the books are right" in local.dnstats("runs", "verify", str(run))
        assert json.loads(local.dnstats("dlq", "list", "--json")) == []
    assert differences(_rows(local, peaceful), _rows(local, run)) == []


def _restart_ours_on_the_newer_schema(to: Machine) -> None:
    before = to.pid("processor-1"), to.pid("scheduler")
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    eventually(
        lambda: all(
            to.living(name) not in (None, *before) for name in ("processor-1", "scheduler")
        ),
        "restarts",
    )


def _end_ours_one_by_one(rolled: Rollout, progress: Progress, run: int) -> None:
    """At a fifth, two, three and four fifths of the run, the writers last."""
    for fifth, service in enumerate(("grader", "processor", "scanner", "scheduler"), 1):
        eventually(partial(_stored, progress, run, SITES * fifth / 5), f"{fifth} fifths")
        assert not progress.run(run).closed
        rolled.end_ours(service)
    assert rolled.all_alive()


def _stored(progress: Progress, run: int, sites: float) -> bool:
    return progress.outcome(run).stored >= sites


def _closed(progress: Progress, run: int) -> None:
    eventually(lambda: progress.run(run).closed, "the end of the run")
    assert progress.run(run).state is State.GRADED


def _shown(to: Machine, run: int) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(to.dnstats("runs", "show", str(run), "--json"))
    return shown


def _check_versions_are_mixed(shown: dict[str, Any]) -> None:
    scanners, processors = Counter[str](), Counter[int]()
    for row in shown["versions"]:
        scanners[row["scanner_version"]] += row["sites"]
        processors[row["processor_version"]] += row["sites"]
    assert scanners.keys() == {version("dnstats"), NEXT_DISTRIBUTION}
    assert processors.keys() == {PROCESSOR, PROCESSOR + 1}
    assert scanners.total() == processors.total() == SITES
    mx = _mx_versions(shown)
    assert mx.keys() == {NEXT_MX - 1, NEXT_MX}
    assert sum(mx.values()) == SITES


def _check_versions_are_one(shown: dict[str, Any]) -> None:
    assert {row["processor_version"] for row in shown["versions"]} == {PROCESSOR + 1}
    assert _mx_versions(shown) == {NEXT_MX: SITES}


def _mx_versions(shown: dict[str, Any]) -> dict[int, int]:
    return {
        row["grader_version"]: row["grades"] for row in shown["graded"] if row["grader"] == "mx"
    }


def _rows(to: Machine, run: int) -> Rows:
    with to.connect() as connection:
        return rows_of(connection, run)


def _without_the_scanner(to: Machine, run: int) -> Rows:
    """The rows of a run but for what says how it was scanned, which no replay changes."""
    with to.connect() as connection:
        return rows_of(connection, run, {"site_runs": {"scanner_version", "lookups"}})
