"""Services whose clocks differ by a minute: the run is right all the same."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text

from services.scheduler.core.run_states import State
from tests.clock import SHIFT
from tests.integration.pipeline import Machine, machine, rows_of
from tests.integration.progress import Progress, eventually
from tests.integration.release import Edit, release
from tests.integration.rollout import rollout

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

SITES = 120
FAST, SLOW = {SHIFT: "60"}, {SHIFT: "-60"}
CLUMSY = [
    Edit(
        "services/grader/core/graders/mx/grade.py",
        "    case = read(section, reference)\n",
        '    if section.domain == "DOMAIN":\n        raise OverflowError("stumbled")\n'
        "    case = read(section, reference)\n",
    )
]
"""A grader that fails on one site."""


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path, given={"SITES_IN_FLIGHT": "2", "BATCHES_IN_FLIGHT": "2"}) as to:
        to.import_list(SITES)
        yield to


@pytest.fixture
def progress(local: Machine) -> Iterator[Progress]:
    found = Progress(local.dsn, local.bootstrap)
    yield found
    found.close()


def test_a_minute_apart(local: Machine, progress: Progress, tmp_path: Path) -> None:
    peaceful = local.start_run("--wait")
    domain = _domain(local)
    edits = [Edit(one.file, one.old, one.new.replace("DOMAIN", domain)) for one in CLUMSY]
    clumsy = local.with_code(release(tmp_path / "tree", edits)).with_env(**SLOW)
    fast, slow = local.with_env(**FAST), local.with_env(**SLOW)
    with rollout(local) as rolled:
        rolled.add(fast, "scanner", "processor")
        rolled.add(slow, "scanner")
        rolled.replace(clumsy, "grader")
        rolled.replace(fast, "scheduler")
        run = fast.start_run("--batch-size", "1")
        eventually(lambda: progress.outcome(run).stored > SITES / 3, "a third of the run")
        assert not progress.run(run).closed
        rolled.end_added("scheduler")
        rolled.add(slow, "scheduler")
        eventually(lambda: progress.run(run).closed, "the end of the run")
        assert "the books are right" in local.dnstats("runs", "verify", str(run))

    closed = progress.run(run)
    assert closed.state is State.GRADED
    times = (closed.started_at, closed.queued_at, closed.scanned_at, closed.processed_at)
    told = [at for at in (closed.created_at, *times, closed.finished_at) if at]
    assert len(told) == 6
    assert all(before <= after for before, after in pairwise(told))
    shown = json.loads(local.dnstats("runs", "show", str(run), "--json"))
    assert [(row["stage"], row["sites"]) for row in shown["failed"]] == [("grader-mx", 1)]
    assert "stumbled" in shown["failed"][0]["reason"]
    assert _skipped(local) == []
    with local.connect() as connection:
        before, after = rows_of(connection, peaceful), rows_of(connection, run)
    for table in ("run_sites", "site_runs"):
        assert after[table] == before[table]
    missing = [row for row in before["grades"] if row not in after["grades"]]
    assert [row[0] for row in missing] == [json.dumps(domain)]
    assert len(after["grades"]) == len(before["grades"]) - 1


def _domain(to: Machine) -> str:
    """A site of the list."""
    with to.connect() as connection:
        found: str = connection.execute(text("SELECT min(domain) FROM run_sites")).scalar_one()
        return found


def _skipped(to: Machine) -> list[str]:
    """What scanners say of batches that they left out."""
    return [
        line
        for log in (to.home.folder / "logs").glob("scanner*.log")
        for line in log.read_text("utf-8").splitlines()
        if "batch not scanned" in line
    ]
