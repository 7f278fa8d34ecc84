"""Every site is accounted for, whatever grader is missing, comes late or dies for good."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.messages import run_event
from services.common.messages.codec import Codec
from services.common.messages.envelope import Outgoing, run_header
from services.common.messages.topics import (
    GRADE_REQUESTS,
    RUN_EVENTS,
    SCAN_REQUESTS,
    SCAN_RESULTS,
)
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.scheduler.core.run import Run
from services.scheduler.core.run_states import State
from tests import examples
from tests.integration.schedulers import PARTITIONS, Installation, Scheduler, installation
from tests.integration.streams import read_all, until
from tests.unit.processor.contract import ROW

pytestmark = pytest.mark.services

SITES = 12
DOMAINS = [f"s{rank}.test" for rank in range(1, SITES + 1)]


@pytest.fixture
def at(database: str, kafka: str, topic_prefix: str) -> Iterator[Installation]:
    with installation(database, kafka, topic_prefix, SITES) as made:
        yield made


def _environment(at: Installation) -> dict[str, str]:
    return os.environ | {
        "DNSTATS_DATABASE": at.database,
        "DNSTATS_KAFKA": at.broker.bootstrap,
        "DNSTATS_TOPIC_PREFIX": at.broker.prefix,
        "DNSTATS_PARTITIONS": str(PARTITIONS),
        "DNSTATS_REPLICATION": "1",
        "DNSTATS_ENV": "Production",
    }


def _dnstats(at: Installation, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "services.cli", *arguments]
    done = subprocess.run(
        command, env=_environment(at), capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout


def _pass(at: Installation, group: str, topic: str) -> None:
    Offsets(at.broker).commit(group, topic, at.topics.ends(topic))


def _send(at: Installation, *messages: Outgoing) -> None:
    producer = Producer(at.broker)
    for message in messages:
        producer.send(message)
    producer.flush()


def _stored(at: Installation, run: Run, graders: tuple[str, ...]) -> None:
    """Let the scanner have worked, the processor have stored all SiteRuns, and those graders all
    grades."""
    until(lambda: at.run(run.id).state is State.QUEUED)
    header = (run_header(run.id),)
    _send(at, Outgoing(SCAN_RESULTS, b"s1.test", b"?", header, ROW.source_partition))
    at.store(run, DOMAINS, graders)
    _pass(at, "scanner", SCAN_REQUESTS)
    until(lambda: at.run(run.id).scanned_at)


def _let_the_deadline_pass(at: Installation) -> None:
    with at.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET deadline = now()")


def _failures(at: Installation) -> set[tuple[str, str]]:
    return {tuple(row) for row in at.query("SELECT DISTINCT stage, reason FROM failures")}


def _events(at: Installation) -> list[str]:
    return [run_event.decode(value).kind for value, _ in read_all(at.broker, RUN_EVENTS)]


def _closed(at: Installation, run: Run) -> bool:
    return at.run(run.id).closed and _events(at)[-1] in run_event.CLOSING


def test_a_grader_that_is_not_deployed_is_told_early_and_waited_for_until_the_deadline(
    at: Installation, tmp_path: Path
) -> None:
    run = at.plan()
    with Scheduler(at, tmp_path / "log"):
        _stored(at, run, ("spf",))
        _send(at, *_requests(at, run, DOMAINS))
        _pass(at, "processor", SCAN_RESULTS)
        (mail,) = at.query(
            "SELECT payload ->> 'text' FROM outbox WHERE payload ->> 'subject' LIKE '%Starting'"
        )
        assert "CRITICAL: not running" in mail[0]
        assert "grader-mx" in mail[0]
        status = json.loads(_dnstats(at, "status", "--json", "--seconds", "0.1")[1])
        assert status["not_running"] == ["scanner", "processor", "grader-spf", "grader-mx"]
        until(lambda: at.run(run.id).processed_at)
        _let_the_deadline_pass(at)
        until(lambda: _closed(at, run))
    waited = "its deadline passed while it waited for grader-spf, grader-mx"
    closed = at.run(run.id)
    assert (closed.state, closed.note) == (
        State.INCOMPLETE,
        f"{waited} (not running: grader-spf, grader-mx)",
    )
    assert _failures(at) == {("grader-mx", waited)}
    assert at.query("SELECT count(*) FROM failures")[0][0] == SITES
    assert _events(at) == ["started", "queued", "scanned", "incomplete"]
    assert _dnstats(at, "runs", "verify")[0] == 0
    at.store(run, DOMAINS, ("mx",))
    verified = json.loads(_dnstats(at, "runs", "verify", "--json")[1])
    assert verified["graders"]["mx"] == {
        "expected": SITES,
        "stored": SITES,
        "failed": 0,
        "missing": 0,
    }
    assert json.loads(_dnstats(at, "runs", "show", "--json")[1])["failed"] == []


def test_a_grader_that_dies_and_comes_back_late_grades_the_rest(
    at: Installation, tmp_path: Path
) -> None:
    ids = _planned_for_spf(at)
    run = at.runs.newest(1)[0]
    with Scheduler(at, tmp_path / "log"):
        _stored(at, run, ())
        with _grader(at) as grader:
            _send(at, *_requests(at, run, DOMAINS[:5]))
            until(lambda: _graded(at) == 5)
            until(lambda: sum(Offsets(at.broker).committed("grader-spf", GRADE_REQUESTS).values()))
            grader.kill()
            grader.wait(20)
        _send(at, *_requests(at, run, DOMAINS[5:]))
        _pass(at, "processor", SCAN_RESULTS)
        until(lambda: at.run(run.id).processed_at)
        _let_the_deadline_pass(at)
        until(lambda: _closed(at, run))
    assert at.run(run.id).state is State.INCOMPLETE
    assert {stage for stage, _ in _failures(at)} == {"grader-spf"}
    assert at.query("SELECT count(*) FROM failures")[0][0] == SITES - 5
    assert _dnstats(at, "runs", "verify")[0] == 0
    with _grader(at):
        until(lambda: _graded(at) == SITES)
    verified = json.loads(_dnstats(at, "runs", "verify", "--json")[1])
    assert (verified["right"], verified["graders"]["spf"]["failed"]) == (True, 0)
    assert len(ids) == SITES


def test_a_grader_that_was_added_later_disturbs_no_run(at: Installation, tmp_path: Path) -> None:
    run = at.plan()
    with Scheduler(at, tmp_path / "log"):
        _stored(at, run, ("spf", "mx"))
        at.store(run, DOMAINS[:3], ("dmarc",))
        _send(at, *_requests(at, run, DOMAINS))
        _pass(at, "processor", SCAN_RESULTS)
        until(lambda: at.run(run.id).processed_at)
        _pass(at, "grader-spf", GRADE_REQUESTS)
        _pass(at, "grader-mx", GRADE_REQUESTS)
        until(lambda: _closed(at, run))
    assert at.run(run.id).state is State.GRADED
    assert _failures(at) == set()
    assert _dnstats(at, "runs", "verify")[0] == 0


def test_a_run_that_nobody_schedules_says_so_within_seconds(at: Installation) -> None:
    command = [sys.executable, "-m", "services.cli", "runs", "start", "--wait"]
    with subprocess.Popen(
        command, env=_environment(at), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr is not None
        try:
            said = next(line for line in process.stderr if "not running" in line)
        finally:
            process.kill()
    assert said.split(": ")[1].startswith("scheduler, scanner")


def _planned_for_spf(at: Installation) -> list[int]:
    code, said = _dnstats(at, "runs", "start", "--graders", "spf", "--json")
    assert (code, json.loads(said)["graders"]) == (0, ["spf"])
    return [row.id for row in at.query("SELECT id FROM sites")]


def _grader(at: Installation) -> subprocess.Popen[bytes]:
    return _Grader(
        [sys.executable, "-m", "services.grader", "--graders", "spf"],
        env=_environment(at),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class _Grader(subprocess.Popen[bytes]):
    def __exit__(self, *_: object) -> None:
        self.kill()
        self.wait(20)


def _requests(at: Installation, run: Run, domains: list[str]) -> list[Outgoing]:
    (path,) = [p for p in examples.paths(GRADE_REQUESTS) if p.stem == "v1-mail-domain"]
    record, header = examples.record(path), (run_header(run.id),)
    rows = at.query("SELECT domain, site_id FROM run_sites WHERE run_id = :run", run=run.id)
    ids = {row.domain: row.site_id for row in rows}
    return [
        Outgoing(
            GRADE_REQUESTS,
            domain.encode(),
            Codec(GRADE_REQUESTS).encode(
                record | {"run_id": run.id, "site_id": ids[domain], "domain": domain}
            ),
            header,
        )
        for domain in domains
    ]


def _graded(at: Installation) -> int:
    return int(at.query("SELECT count(*) FROM grades")[0][0])
