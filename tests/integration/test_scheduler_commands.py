"""`dnstats sites` and `dnstats runs` as a user meets them, on a real database and broker."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.scheduler.core.run_states import State
from tests.integration.schedulers import (
    Dnstats,
    Installation,
    Scheduler,
    commands,
    installation,
    now,
)
from tests.integration.streams import until

pytestmark = pytest.mark.services


@pytest.fixture
def at(database: str, kafka: str, topic_prefix: str) -> Iterator[Installation]:
    with installation(database, kafka, topic_prefix, 400) as made:
        yield made


@pytest.fixture
def dnstats(at: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dnstats:
    return commands(at, tmp_path, monkeypatch)


def test_an_import_tells_what_changed_and_names_bad_lines(dnstats: Dnstats, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("1,a.test\n2,not a name\n")
    refused = dnstats("sites", "import", str(path))
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"{path} was not imported: it has 1 sites, under 80%")
    done = dnstats(
        "sites", "import", str(path), "--force", "--list-id", "X", "--date", "2026-11-01"
    )
    assert done.exit_code == 0
    assert "X of 2026-11-01, 1 sites (before: 400)" in done.stdout
    assert "line 2: 'not a name' is no domain name: it holds ' '" in done.stdout
    said = json.loads(dnstats("sites", "import", str(path), "--json").stdout)
    assert (said["sites"], said["new"], said["bad"]) == (1, 0, {"domain": 1})
    assert said["first_bad"][0]["number"] == 2


def test_a_source_that_does_not_exist_is_bad_input(dnstats: Dnstats) -> None:
    done = dnstats("sites", "import", "nowhere.csv")
    assert done.exit_code == 2
    assert done.stderr == "nowhere.csv is neither a file nor an http or https URL\n"


def test_a_plan_starts_nothing(dnstats: Dnstats, at: Installation) -> None:
    assert "400 sites\nabout 12,000 questions" in dnstats("runs", "plan").stdout
    assert json.loads(dnstats("runs", "plan", "--top", "10", "--json").stdout)["sites"] == 10
    assert at.runs.newest(1) == []


def test_development_limits_a_run(dnstats: Dnstats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DNSTATS_ENV", "Development")
    assert json.loads(dnstats("runs", "plan", "--json").stdout)["sites"] == 300
    monkeypatch.setenv("DNSTATS_DEVELOPMENT_TOP", "50")
    assert json.loads(dnstats("runs", "plan", "--json").stdout)["sites"] == 50


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["start", "--top", "0"], "a run over the top 0 sites would scan nothing"),
        (["start", "--graders", "spf,tea"], "no grader is called tea; there are spf, dmarc, mx"),
        (
            ["start", "--batch-size", "20000"],
            "a batch of 20000 sites: from 1 to 10000 are possible",
        ),
        (["show"], "there are no runs yet"),
        (["verify", "9"], "there is no run 9"),
    ],
)
def test_bad_input_is_named(dnstats: Dnstats, arguments: list[str], fault: str) -> None:
    done = dnstats("runs", *arguments)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", fault + "\n")


def test_a_run_is_started_listed_and_cancelled(dnstats: Dnstats) -> None:
    started = json.loads(dnstats("runs", "start", "--top", "5", "--json").stdout)
    assert (started["state"], started["graders"]) == ("planned", ["spf", "dmarc", "mx"])
    again = dnstats("runs", "start")
    assert (again.exit_code, again.stderr) == (1, "another run is still open\n")
    assert dnstats("runs", "cancel").stdout == f"run {started['run']} is cancelled\n"
    assert dnstats("runs", "cancel").stderr == "no run is open\n"
    (listed,) = json.loads(dnstats("runs", "list", "--json").stdout)
    assert (listed["state"], listed["note"]) == ("cancelled", "cancelled by hand")
    assert "cancelled" in dnstats("runs", "list").stdout
    shown = dnstats("runs", "show")
    assert shown.exit_code == 0
    assert "is cancelled: cancelled by hand" in shown.stdout


def test_an_open_run_cannot_be_verified(dnstats: Dnstats, at: Installation) -> None:
    run = at.plan()
    done = dnstats("runs", "verify", str(run.id), "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["differences"] == [f"run {run.id} is not closed: it is planned"]


def test_a_database_without_tables_is_said(
    dnstats: Dnstats, database_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DNSTATS_DATABASE", database_server)
    done = dnstats("runs", "list")
    assert done.exit_code == 1
    assert "dnstats database migrate" in done.stderr


def test_a_database_that_is_away_is_said(dnstats: Dnstats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DNSTATS_DATABASE", "postgresql://127.0.0.1:1/none")
    done = dnstats("runs", "list")
    assert done.exit_code == 1
    assert "Connection refused" in done.stderr
    monkeypatch.setenv("DNSTATS_DATABASE", "mysql://127.0.0.1/none")
    assert dnstats("runs", "list").exit_code == 2


def test_the_schedule_starts_runs_and_imports(at: Installation, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("".join(f"{rank},t{rank}.test\n" for rank in range(1, 401)))
    every_minute = {"IMPORT_SCHEDULE": "* * * * *", "RUN_SCHEDULE": "* * * * *"}
    for job in ("import", "run"):
        at.plans.handled_until(job, now() - timedelta(minutes=1))
    with Scheduler(at, tmp_path / "log", LIST_SOURCE=str(path), **every_minute):
        until(lambda: at.runs.find_open() is not None, 75)
        until(lambda: _state(at) is State.QUEUED)
    domains = {site.domain for request in at.requests() for site in request.sites}
    assert domains == {f"t{rank}.test" for rank in range(1, 401)}
    (run,) = at.runs.newest(5)
    assert run.scheduled_for is not None
    assert run.scheduled_for.second == 0


def _state(at: Installation) -> State | None:
    run = at.runs.find_open()
    return run.state if run else None
