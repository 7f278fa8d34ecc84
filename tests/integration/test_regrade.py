"""`dnstats regrade` on a real broker and database, with worker processes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from services.cli.__main__ import build
from services.common.messages.envelope import BrokenError
from services.common.messages.topics import GRADE_REQUESTS
from services.common.store import regrades
from services.common.store.database import engine as connect
from services.common.stream import topics
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.grader.core.catalogue import GRADERS
from tests.integration.past_run import other_version, past_run, request
from tests.integration.streams import until

pytestmark = pytest.mark.services

LAYOUT = topics.Layout(partitions=4, replication=1)
SPF, MX = GRADERS["spf"], GRADERS["mx"]
SITES = 40

Regrade = Callable[..., Result]


@pytest.fixture
def broker(kafka: str, topic_prefix: str) -> Broker:
    broker = Broker(kafka, topic_prefix)
    topics.apply(broker, LAYOUT)
    until(lambda: _coordinated(broker))
    return broker


def _coordinated(broker: Broker) -> bool:
    """What was made just now has to be loaded by the broker."""
    try:
        Offsets(broker).committed("any", GRADE_REQUESTS)
        Offsets(broker).ends(GRADE_REQUESTS)
    except BrokenError:
        return False
    return True


@pytest.fixture
def engine(
    database: str, broker: Broker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Engine]:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "KAFKA": broker.bootstrap,
        "TOPIC_PREFIX": broker.prefix,
        "PARTITIONS": str(LAYOUT.partitions),
        "REPLICATION": str(LAYOUT.replication),
        "DATABASE": database,
    }.items():
        monkeypatch.setenv(f"DNSTATS_{name}", value)
    connections = connect(database)
    yield connections
    connections.dispose()


def dnstats(*arguments: object) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(build(words[0]), words)


def regrade(run: int, *options: str) -> Any:
    done = dnstats("regrade", run, "--rate", "0", "--json", *options)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def differs(said: Any) -> Any:
    """A report without what tells two regrades of the same apart."""
    own = ("regrade", "shadow", "created_at", "finished_at", "seconds")
    return {name: value for name, value in said.items() if name not in own}


def test_a_shadow_says_what_a_regrade_then_does_and_a_second_one_changes_nothing(
    engine: Engine, broker: Broker
) -> None:
    run = past_run(engine, broker, SITES)
    run.judged_by(other_version(SPF, -1), MX)
    before = run.rows()
    shadow = regrade(run.number, "--shadow")
    assert run.rows() == before
    assert run.query("SELECT count(*) FROM outbox") == [(0,)]
    assert regrade(run.number, "--shadow")["changes"] == shadow["changes"]

    real = regrade(run.number, "--workers", "2")
    assert differs(real) == differs(shadow)
    [mx, spf] = real["changes"]
    assert (mx["grades"], mx["changed"]) == (SITES, 0)
    assert (spf["grades"], spf["changed"], spf["up"], spf["down"]) == (SITES, SITES, SITES, 0)
    assert spf["mean_after"] == spf["mean_before"] + 1
    assert real["causes"] == [{"grader": "spf", "causes": ["grader"], "grades": SITES}]
    [lost] = real["remarks"]
    assert (lost["way"], lost["sites"], lost["up"]) == ("lost", SITES, SITES)
    assert [site["domain"] for site in lost["examples"]] == ["s0.test", "s1.test", "s2.test"]

    after = run.rows()
    assert after != before
    again = regrade(run.number)
    assert run.rows() == after
    assert [row["changed"] for row in again["changes"]] == [0, 0]
    run.judged_by(SPF, MX)
    assert run.rows() == after


def test_the_end_is_told_once_and_the_group_is_gone(engine: Engine, broker: Broker) -> None:
    run = past_run(engine, broker, SITES)
    run.judged_by(other_version(SPF, -1))
    said = regrade(run.number, "--grader", "spf")
    [(kind, payload)] = run.query("SELECT kind, payload FROM outbox")
    assert (kind, payload["kind"], payload["run_id"]) == ("event", "regraded", run.number)
    assert payload["counts"] == {"sites": SITES, "failed": 0, "changed_spf": SITES}
    assert Offsets(broker).committed(f"regrade-{said['regrade']}", GRADE_REQUESTS) == {}
    listed = json.loads(dnstats("regrades", "list", "--json").stdout)
    assert [(one["regrade"], one["graders"]) for one in listed] == [
        (said["regrade"], {"spf": SPF.version})
    ]
    assert json.loads(dnstats("regrades", "show", said["regrade"], "--json").stdout) == said
    shown = dnstats("regrades", "show", said["regrade"]).stdout
    assert f"Regrade {said['regrade']} of run {run.number}, took" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_newer_wins_unless_it_is_forced(engine: Engine, broker: Broker) -> None:
    run = past_run(engine, broker, SITES)
    run.judged_by(other_version(SPF, 1))
    newer = run.rows()
    assert [row["changed"] for row in regrade(run.number, "--grader", "spf")["changes"]] == [0]
    assert run.rows() == newer
    shadow = regrade(run.number, "--grader", "spf", "--shadow", "--force")
    assert run.rows() == newer
    forced = regrade(run.number, "--grader", "spf", "--force")
    assert differs(forced) == differs(shadow)
    assert forced["changes"][0]["changed"] == SITES
    versions = "SELECT DISTINCT grader_version FROM grades"
    assert run.query(versions) == [(SPF.version,)]


def test_a_grader_added_later_judges_the_run_and_is_counted(engine: Engine, broker: Broker) -> None:
    run = past_run(engine, broker, SITES, graders=("spf",))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO failures VALUES ({run.number}, 3, 'grader-mx', 'not deployed'),"
            f" ({run.number}, 3, 'grader-spf', 'fell over')"
        )
    said = regrade(run.number, "--grader", "mx")
    [mx] = said["changes"]
    assert (mx["grades"], mx["added"], mx["mean_before"]) == (SITES, SITES, None)
    assert said["causes"] == said["remarks"] == []
    graders = "SELECT grader FROM run_graders ORDER BY 1"
    assert run.query(graders) == [("mx",), ("spf",)]
    assert run.query("SELECT stage FROM failures") == [("grader-spf",)]
    regrade(run.number, "--grader", "spf", "--shadow")
    with engine.connect() as connection:
        assert regrades.judged(connection, run.number) == {"mx"}


def test_what_cannot_be_judged_is_told_and_keeps_its_grade(engine: Engine, broker: Broker) -> None:
    unknown = request(1, 1, reference_name="private")
    refused = request(1, 0, finished_at=2**62)
    run = past_run(engine, broker, SITES, b"no message", unknown, refused)
    assert run.number == 1
    run.judged_by(SPF, MX)
    before = run.rows()
    said = regrade(run.number)
    assert run.rows() == before
    assert said["failed"] == 6
    told = {(one["domain"], one["grader"]) for one in said["failures"]}
    names = ("", "s0.test", "s1.test")
    assert told == {(name, stage) for name in names for stage in ("grader-spf", "grader-mx")}
    shown = dnstats("regrade", run.number, "--rate", "0").stdout
    assert "6 could not be judged; their grades stay as they were" in shown
    assert "grader-mx: s1.test: s1.test: there is no reference data 'private'" in shown


def test_killed_in_the_middle_the_same_command_goes_on(engine: Engine, broker: Broker) -> None:
    run = past_run(engine, broker, 1000)
    run.judged_by(other_version(MX, -1))
    options = ["regrade", str(run.number), "--grader", "mx"]
    command = [sys.executable, "-m", "services.cli", *options, "--rate", "200"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    ) as starter:
        until(lambda: run.query("SELECT count(*) FROM grade_changes")[0][0] > 100)
        [worker] = psutil.Process(starter.pid).children()
        worker.kill()
        said, _ = starter.communicate(timeout=30)
    assert starter.returncode == 1
    assert "run the same command again to go on" in said
    assert run.query("SELECT finished_at FROM regrades") == [(None,)]
    done = regrade(run.number, "--grader", "mx", "--workers", "2")
    assert run.query("SELECT count(*) FROM regrades") == [(1,)]
    assert done["changes"][0]["changed"] == 1000
    assert run.query("SELECT DISTINCT grader_version FROM grades") == [(MX.version,)]


def test_an_expired_window_is_an_error_that_names_the_gap(engine: Engine, broker: Broker) -> None:
    run = past_run(engine, broker, SITES)
    admin = AdminClient(broker.config())
    gone = TopicPartition(broker.named(GRADE_REQUESTS), 2, 3)
    for deleted in admin.delete_records([gone]).values():
        deleted.result(20)
    done = dnstats("regrade", run.number)
    assert done.exit_code == 1
    assert "partition 2 has lost offsets 0 to 2" in done.stderr
    assert f"dnstats reprocess {run.number} --from DIR" in done.stderr
    assert run.query("SELECT count(*) FROM regrades") == [(0,)]


def test_bad_input_is_named(engine: Engine, broker: Broker) -> None:
    run = past_run(engine, broker, 1)
    for arguments, said in (
        ([run.number + 7], f"there is no run {run.number + 7}"),
        ([run.number, "--grader", "spf,tea"], "no grader is called tea; there are spf, dmarc, mx"),
        ([run.number, "--grader", ""], "no grader is called ''; there are spf, dmarc, mx"),
    ):
        done = dnstats("regrade", *arguments)
        assert (done.exit_code, done.stdout, done.stderr) == (2, "", said + "\n")
    for change, said in (
        ("UPDATE run_windows SET end_offset = start_offset", "has no grade requests"),
        ("UPDATE run_windows SET end_offset = NULL", "has no known end"),
        ("DELETE FROM run_windows", "never came as far as grade-requests"),
        ("UPDATE runs SET pruned_at = now()", "was pruned"),
        ("UPDATE runs SET state = 'queued', finished_at = NULL", "is open (queued)"),
    ):
        with engine.begin() as connection:
            connection.exec_driver_sql(change)
        done = dnstats("regrade", run.number)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.startswith(f"run {run.number} {said}")
    assert dnstats("regrades", "show", 5).exit_code == 2
