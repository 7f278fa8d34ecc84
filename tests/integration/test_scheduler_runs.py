"""Runs on a real database and a real broker, with groups that only pretend to work."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from services.common.messages.dead_letter import wrap
from services.common.messages.envelope import Incoming, Outgoing, run_header
from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.scheduler.adapters import books
from services.scheduler.core.accounts import differences
from services.scheduler.core.order import Order
from services.scheduler.core.run import Run
from services.scheduler.core.run_states import State
from services.scheduler.handler.follow import Follower
from services.scheduler.handler.ports import Change, OpenRunError
from services.scheduler.handler.publish import Publisher
from tests.integration.schedulers import GRADERS, PARTITIONS, Installation, installation, now

pytestmark = pytest.mark.services

SITES = 60
DOMAINS = {f"s{rank}.test" for rank in range(1, SITES + 1)}


@pytest.fixture
def at(database: str, kafka: str, topic_prefix: str) -> Iterator[Installation]:
    with installation(database, kafka, topic_prefix, SITES) as made:
        yield made


def _publish(at: Installation, run: Run) -> Run:
    hours = timedelta(hours=20)
    publisher = Publisher(at.runs, at.plans, at.topics, Producer(at.broker), now, hours)
    publisher.prepare(run)
    publisher.publish(at.run(run.id))
    return at.run(run.id)


def _pass(at: Installation, group: str, topic: str) -> None:
    """Let a group have read all of a topic."""
    Offsets(at.broker).commit(group, topic, at.topics.ends(topic))


def _emit(at: Installation, topic: str, run: Run, domains: list[str]) -> None:
    producer = Producer(at.broker)
    for domain in domains:
        producer.send(Outgoing(topic, domain.encode(), b"?", (run_header(run.id),)))
    producer.flush()


def _to_the_end(at: Installation, run: Run, stored: list[str]) -> Run:
    """Let every group work on a queued run, of which `stored` can be stored."""
    follower = Follower(at.runs, at.topics, now, 0.92)
    _emit(at, SCAN_RESULTS, run, sorted(DOMAINS))
    _pass(at, "scanner", SCAN_REQUESTS)
    follower.follow(at.run(run.id))
    at.store(run, stored)
    _emit(at, GRADE_REQUESTS, run, stored)
    _pass(at, "processor", SCAN_RESULTS)
    follower.follow(at.run(run.id))
    for grader in GRADERS:
        _pass(at, f"grader-{grader}", GRADE_REQUESTS)
    follower.follow(at.run(run.id))
    return at.run(run.id)


def test_every_site_is_published_once_to_the_partition_of_its_batch(at: Installation) -> None:
    run = _publish(at, at.plan())
    assert run.state is State.QUEUED
    assert (run.sites, run.batch_size, run.batches) == (SITES, 3, 20)
    requests = at.requests()
    assert sorted(request.batch for request in requests) == list(range(20))
    assert sorted(site.domain for r in requests for site in r.sites) == sorted(DOMAINS)
    assert run.ends[SCAN_REQUESTS] == dict.fromkeys(range(PARTITIONS), 5)
    assert {request.run_id for request in requests} == {run.id}


def test_sites_are_shuffled_by_run_and_domain(at: Installation) -> None:
    def fixed(number: int) -> list[str]:
        query = "SELECT domain FROM run_sites WHERE run_id = :run ORDER BY batch, rank"
        return [row.domain for row in at.query(query, run=number)]

    first = at.runs.fix_sites(at.plan(batch_size=10), PARTITIONS)
    again = at.runs.fix_sites(first, PARTITIONS)
    assert again == first
    order = fixed(first.id)
    assert order != sorted(order, key=lambda domain: int(domain[1:].partition(".")[0]))
    at.runs.change(first, Change(State.CANCELLED, {"finished_at": now()}))
    second = at.runs.fix_sites(at.plan(batch_size=10), PARTITIONS)
    assert set(fixed(second.id)) == set(order)
    assert fixed(second.id) != order


def test_only_the_best_ranks_are_taken(at: Installation) -> None:
    _publish(at, at.plan(top=5))
    domains = {site.domain for request in at.requests() for site in request.sites}
    assert domains == {"s1.test", "s2.test", "s3.test", "s4.test", "s5.test"}


def test_there_is_one_open_run(at: Installation) -> None:
    at.plan()
    with pytest.raises(OpenRunError, match="another run is still open"):
        at.plan()


def test_the_run_of_a_time_is_planned_once(at: Installation) -> None:
    tick = now()
    order = Order(10, None, GRADERS)
    assert at.plans.plan(order, tick, now()) == at.plans.plan(order, tick, now())


def test_a_run_ends_graded_with_right_books(at: Installation) -> None:
    run = _to_the_end(at, _publish(at, at.plan()), sorted(DOMAINS))
    assert run.state is State.GRADED
    assert list(run.seconds) == ["published", "scanned", "processed", "graded"]
    assert differences(run, books.count(at.engine, at.topics, run)) == []
    kinds = at.query(
        "SELECT payload ->> 'kind' FROM outbox WHERE kind = 'event' ORDER BY created_at"
    )
    assert [kind for (kind,) in kinds] == ["started", "queued", "scanned", "graded"]


def test_a_missing_row_is_a_failure_with_stage_and_reason(at: Installation) -> None:
    run = _publish(at, at.plan())
    _dead(at, SCAN_RESULTS, "s7.test", "processor", run)
    stored = sorted(DOMAINS - {"s7.test", "s8.test"})
    run = _to_the_end(at, run, stored)
    assert run.state is State.GRADED
    query = """SELECT r.domain, f.stage, f.reason FROM failures f
               JOIN run_sites r USING (run_id, site_id) ORDER BY r.domain"""
    assert [tuple(row) for row in at.query(query)] == [
        ("s7.test", "processor", "dead letter: cut off"),
        ("s8.test", "scanner", "the scanner passed its batch and left no scan result"),
    ]
    counted = books.count(at.engine, at.topics, run)
    assert (counted.sites.expected, counted.sites.stored, counted.sites.failed) == (60, 58, 2)
    assert differences(run, counted) == []


def test_rows_that_vanish_are_found_and_named(at: Installation) -> None:
    run = _to_the_end(at, _publish(at, at.plan()), sorted(DOMAINS))
    with at.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM site_runs WHERE domain = 's1.test'")
        connection.exec_driver_sql(
            "DELETE FROM grades USING run_sites r WHERE r.site_id = grades.site_id"
            " AND r.domain = 's2.test' AND grader = 'mx'"
        )
    found = differences(run, books.count(at.engine, at.topics, run))
    assert "SiteRuns: 60 expected, 59 stored and 0 failed; missing: s1.test" in found
    assert any(said.startswith("mx grades") and "s2.test" in said for said in found)


def test_a_run_of_too_few_site_runs_is_botched(at: Installation) -> None:
    run = _to_the_end(at, _publish(at, at.plan()), sorted(DOMAINS)[:50])
    assert run.state is State.BOTCHED
    assert differences(run, books.count(at.engine, at.topics, run)) == []


def test_a_cancelled_run_is_sealed_and_its_books_close(at: Installation) -> None:
    run = _publish(at, at.plan())
    at.store(run, ["s1.test"], graders=("spf",))
    at.runs.change(run, Change(State.CANCELLED, {"finished_at": now()}, note="by hand"))
    follower = Follower(at.runs, at.topics, now, 0.92)
    (closed,) = at.runs.unsealed()
    follower.seal(closed)
    assert at.runs.unsealed() == []
    sealed = at.run(run.id)
    assert sealed.ends[GRADE_REQUESTS] == dict.fromkeys(range(PARTITIONS), 0)
    counted = books.count(at.engine, at.topics, sealed)
    assert (counted.sites.stored, counted.sites.failed) == (1, 59)
    assert (counted.graders["mx"].stored, counted.graders["mx"].failed) == (0, 1)


def _dead(at: Installation, topic: str, domain: str, service: str, run: Run) -> None:
    incoming = Incoming(topic, 0, 0, domain.encode(), b"?", (run_header(run.id),), 0)
    producer = Producer(at.broker)
    producer.send(wrap(incoming, "cut off", service, 0))
    producer.flush()
