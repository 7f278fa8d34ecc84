"""`dnstats dlq` on a real broker and database: letters come back, and their run closes again."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.common.messages import scan_request
from services.common.messages.dead_letter import wrap
from services.common.messages.envelope import Headers, Incoming, Outgoing, run_header
from services.common.messages.topics import (
    GRADE_REQUESTS,
    SCAN_REQUESTS,
    SCAN_RESULTS,
    dead_letter,
)
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.scheduler.core.run import Run
from services.scheduler.core.run_states import State
from services.scheduler.handler.follow import Follower
from services.scheduler.handler.publish import Publisher
from tests.integration.schedulers import (
    GRADERS,
    Dnstats,
    Installation,
    commands,
    installation,
    now,
)
from tests.integration.streams import read_all
from tests.unit.processor.contract import ROW

pytestmark = pytest.mark.services

SITES = 8
DOMAINS = [f"s{rank}.test" for rank in range(1, SITES + 1)]
LOST = DOMAINS[0]


@pytest.fixture
def at(database: str, kafka: str, topic_prefix: str) -> Iterator[Installation]:
    with installation(database, kafka, topic_prefix, SITES) as made:
        yield made


@pytest.fixture
def dnstats(at: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dnstats:
    return commands(at, tmp_path, monkeypatch)


def _send(at: Installation, *messages: Outgoing) -> None:
    producer = Producer(at.broker)
    for message in messages:
        producer.send(message)
    producer.flush()


def _bury(
    at: Installation, topic: str, key: str, value: bytes, service: str, headers: Headers
) -> None:
    incoming = Incoming(topic, 1, 5, key.encode(), value, headers, 0)
    _send(at, wrap(incoming, "cut off", service, round(now().timestamp() * 1000)))


def _pass(at: Installation, group: str, topic: str) -> None:
    Offsets(at.broker).commit(group, topic, at.topics.ends(topic))


def _graded_without(at: Installation, service: str, topic: str, value: bytes = b"?") -> Run:
    """A finished run in which `service` could not process the message of one site."""
    run = at.plan(batch_size=2)
    publisher = Publisher(
        at.runs, at.plans, at.topics, Producer(at.broker), now, timedelta(hours=1)
    )
    publisher.prepare(run)
    publisher.publish(at.run(run.id))
    _send(at, Outgoing(SCAN_RESULTS, b"s2.test", b"!", (run_header(run.id),), ROW.source_partition))
    _bury(at, topic, LOST, value, service, (run_header(run.id),))
    stored = DOMAINS if topic == GRADE_REQUESTS else DOMAINS[1:]
    at.store(run, stored, () if topic == GRADE_REQUESTS else GRADERS)
    if topic == GRADE_REQUESTS:
        at.store(run, DOMAINS[1:])
        at.store(run, [LOST], ("mx",))
    return _follow(at, run)


def _follow(at: Installation, run: Run) -> Run:
    """Let every group pass what there is, until the run is closed."""
    follower = Follower(at.runs, at.topics, now, 0.5)
    while not (run := at.run(run.id)).closed:
        _pass(at, "scanner", SCAN_REQUESTS)
        _pass(at, "processor", SCAN_RESULTS)
        for grader in GRADERS:
            _pass(at, f"grader-{grader}", GRADE_REQUESTS)
        follower.follow(run)
    return run


def _failures(at: Installation) -> list[tuple[str, str, str]]:
    query = """SELECT r.domain, f.stage, f.reason FROM failures f
               JOIN run_sites r USING (run_id, site_id) ORDER BY r.domain, f.stage"""
    return [tuple(row) for row in at.query(query)]


def _kinds(at: Installation) -> list[str]:
    query = "SELECT payload ->> 'kind' FROM outbox WHERE kind = 'event' ORDER BY created_at, id"
    return [kind for (kind,) in at.query(query)]


def _subjects(at: Installation) -> list[str]:
    query = "SELECT payload ->> 'subject' FROM outbox WHERE kind = 'mail' ORDER BY created_at, id"
    return [subject for (subject,) in at.query(query)]


def test_a_scan_result_comes_back_and_its_site_has_not_failed(
    at: Installation, dnstats: Dnstats
) -> None:
    run = _graded_without(at, "processor", SCAN_RESULTS)
    assert _failures(at) == [(LOST, "processor", "dead letter: cut off")]
    (listed,) = json.loads(dnstats("dlq", "list", "scan-results", "--json").stdout)
    assert (listed["id"], listed["run"], listed["about"], listed["reason"], listed["handled"]) == (
        "scan-results.dlq:0:0",
        run.id,
        LOST,
        "cut off",
        None,
    )
    done = dnstats("dlq", "requeue", "scan-results.dlq:0:0", "--yes")
    assert done.exit_code == 0, done.output
    assert f"run {run.id} is scanned and ends by" in done.stdout
    assert (b"?", {"run_id": b"%d" % run.id}) in read_all(at.broker, SCAN_RESULTS)
    reopened = at.run(run.id)
    assert (reopened.state, reopened.finished_at) == (State.SCANNED, None)
    assert dnstats("runs", "verify").exit_code == 1
    at.store(run, [LOST])
    closed = _follow(at, run)
    assert closed.state is State.GRADED
    assert closed.ends[SCAN_RESULTS] == at.topics.ends(SCAN_RESULTS) != run.ends[SCAN_RESULTS]
    assert _failures(at) == []
    verified = dnstats("runs", "verify")
    assert (verified.exit_code, "the books are right" in verified.stdout) == (0, True)
    shown = dnstats("runs", "show").stdout
    assert f"Run {run.id} is graded: reopened " in shown
    assert "failed" not in shown
    assert _kinds(at) == ["started", "queued", "scanned", "graded", "reopened", "graded"]
    assert _subjects(at).count(f"[DNStats] Scan id {run.id} Has Been Graded") == 2
    assert dnstats("dlq", "list").stdout == "0 dead letters\n"
    again = dnstats("dlq", "requeue", "scan-results.dlq:0:0", "--yes")
    assert (again.exit_code, again.stderr) == (1, "scan-results.dlq:0:0 was requeued already\n")


def test_a_grade_request_comes_back_and_fails_again(at: Installation, dnstats: Dnstats) -> None:
    run = _graded_without(at, "grader-spf", GRADE_REQUESTS)
    assert _failures(at) == [(LOST, "grader-spf", "dead letter: cut off")]
    assert dnstats("dlq", "requeue", "--run", str(run.id), "--yes").exit_code == 0
    assert at.run(run.id).state is State.SCANNED
    closed = _follow(at, run)
    assert closed.state is State.GRADED
    assert closed.ends[GRADE_REQUESTS] == at.topics.ends(GRADE_REQUESTS)
    assert _failures(at) == [(LOST, "grader-spf", "dead letter: cut off")]
    assert dnstats("runs", "verify").exit_code == 0


def test_a_batch_is_made_again_for_a_run_that_was_closed(
    at: Installation, dnstats: Dnstats
) -> None:
    run = _graded_without(at, "scanner", SCAN_REQUESTS)
    batch = next(
        request for request in at.requests() if any(s.domain == LOST for s in request.sites)
    )
    _bury(at, SCAN_REQUESTS, "1", batch.encode(), "scanner", (run_header(run.id),))
    listed = dnstats("dlq", "list", "--run", str(run.id)).stdout
    assert f"batch {batch.batch} (2 sites)" in listed
    assert dnstats("dlq", "requeue", "scan-requests.dlq:0:1", "--yes").exit_code == 0
    reopened = at.run(run.id)
    assert (reopened.state, reopened.scanned_at) == (State.QUEUED, None)
    made = [scan_request.decode(value) for value, _ in read_all(at.broker, SCAN_REQUESTS)]
    (again,) = [one for one in made if one.batch == batch.batch and one != batch]
    assert again == replace(batch, created_at=again.created_at, expires_at=again.expires_at)
    assert run.finished_at is not None
    assert again.created_at > run.finished_at.timestamp() * 1_000_000
    assert again.expires_at > batch.expires_at
    at.store(run, [LOST])
    assert _follow(at, run).state is State.GRADED
    assert dnstats("runs", "verify").exit_code == 0
    assert _failures(at) == []


def test_another_open_run_is_named_and_nothing_sent(at: Installation, dnstats: Dnstats) -> None:
    run = _graded_without(at, "processor", SCAN_RESULTS)
    other = at.plan()
    refused = dnstats("dlq", "requeue", "--all", "--yes")
    assert refused.exit_code == 1
    assert f"run {run.id} is closed and cannot be reopened while run {other.id} is open" in (
        refused.stderr
    )
    assert len(read_all(at.broker, SCAN_RESULTS)) == 1
    assert len(json.loads(dnstats("dlq", "list", "--json").stdout)) == 1


def test_hostile_letters_are_shown_and_dropped(at: Installation, dnstats: Dnstats) -> None:
    _bury(at, SCAN_RESULTS, "\x1b[2J\x07", b"\x00\x1b[31m\xff" * 200, "processor", ())
    shown = dnstats("dlq", "show", "scan-results.dlq:0:0")
    assert shown.exit_code == 0
    assert shown.stdout.replace("\n", "").isprintable()
    assert "cannot be read: not an Avro single-object message of scan-results" in shown.stdout
    refused = dnstats("dlq", "requeue", "scan-results.dlq:0:0", "--yes")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("scan-results.dlq:0:0: no header says which run")
    assert dnstats("dlq", "drop", "--all").exit_code == 1
    assert dnstats("dlq", "drop", "--all", "--yes").stdout == "1 letters are dropped\n"
    assert dnstats("dlq", "list").stdout == "0 dead letters\n"
    (listed,) = json.loads(dnstats("dlq", "list", "--all", "--json").stdout)
    assert listed["handled"] == "dropped"
    assert len(read_all(at.broker, dead_letter(SCAN_RESULTS))) == 1


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["show", "scan-results.dlq:0:0"], "there is no dead letter scan-results.dlq:0:0"),
        (["show", "tea:0:0"], "'tea:0:0' is no id of a dead letter, such as scan-results.dlq:0:17"),
        (["show", "scan-results.dlq:0:-1"], "'scan-results.dlq:0:-1' is no id of a dead letter"),
        (["list", "tea"], "no topic is called tea; there are scan-requests"),
        (["requeue"], "name letters by their ids, or choose them by --topic, --run or --all"),
        (["drop", "scan-results.dlq:0:0", "--all"], "name letters by their ids, or choose them"),
    ],
)
def test_bad_input_is_named(dnstats: Dnstats, arguments: list[str], fault: str) -> None:
    done = dnstats("dlq", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(fault)
