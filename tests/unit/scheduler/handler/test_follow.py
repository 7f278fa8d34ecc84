from datetime import datetime, timedelta

from services.common.messages.dead_letter import DeadLetter
from services.common.messages.envelope import Incoming, run_header
from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS
from services.scheduler.core.run import Run
from services.scheduler.core.run_states import State
from services.scheduler.handler import Scheduler
from services.scheduler.handler.follow import NO_GRADE, NO_RESULT, Follower
from services.scheduler.handler.publish import Publisher
from tests.unit.scheduler.fakes import START, Clock, Plans, Runs, Sender, Topics, planned


def _queued(**given: object) -> Run:
    window = {0: 0, 1: 0}
    return planned(
        **{
            "state": State.QUEUED,
            "sites": 100,
            "batch_size": 10,
            "batches": 10,
            "published_batches": 10,
            "started_at": START,
            "queued_at": START,
            "deadline": START + timedelta(hours=20),
            "starts": {SCAN_REQUESTS: window, SCAN_RESULTS: window, GRADE_REQUESTS: window},
            "ends": {SCAN_REQUESTS: {0: 5, 1: 5}},
            **given,
        }
    )


def _letter(topic: str, key: bytes, service: str, run: int, at: datetime = START) -> DeadLetter:
    origin = Incoming(topic, 0, 0, key, b"?", (run_header(run),), 0)
    return DeadLetter(0, 0, origin, service, "damaged", round(at.timestamp() * 1000))


def _through(runs: Runs, topics: Topics, clock: Clock) -> Follower:
    """Follow a run until all groups have passed everything."""
    follower = Follower(runs, topics, clock, 0.92)
    topics.position = {"scanner": {0: 5, 1: 5}}
    topics.end = {SCAN_RESULTS: {0: 60, 1: 40}, GRADE_REQUESTS: {0: 50, 1: 49}}
    follower.follow(runs.run)
    topics.position["processor"] = {0: 60, 1: 40}
    follower.follow(runs.run)
    topics.position |= {"grader-spf": {0: 50, 1: 49}, "grader-mx": {0: 50, 1: 49}}
    follower.follow(runs.run)
    return follower


def _kinds(runs: Runs) -> list[str]:
    return [letter.payload["kind"] for letter in runs.letters if letter.kind == "event"]


def test_nothing_happens_before_the_scanner_has_passed_the_batches() -> None:
    runs, topics = Runs(_queued()), Topics()
    topics.position = {"scanner": {0: 5, 1: 4}}
    Follower(runs, topics, Clock(), 0.92).follow(runs.run)
    assert runs.run == _queued()


def test_a_run_goes_barrier_by_barrier_to_graded() -> None:
    runs, topics, clock = Runs(_queued(), stored=99), Topics(), Clock()
    _through(runs, topics, clock)
    assert runs.run.state is State.GRADED
    assert runs.run.finished_at == START
    assert runs.run.ends[SCAN_RESULTS] == {0: 60, 1: 40}
    assert runs.run.ends[GRADE_REQUESTS] == {0: 50, 1: 49}
    assert _kinds(runs) == ["scanned", "graded"]
    assert "With a SiteRun: 99" in runs.letters[-2].payload["text"]
    assert runs.letters[-1].payload["counts"]["stored"] == 99


def test_what_has_no_row_behind_a_barrier_failed() -> None:
    runs, topics = Runs(_queued(), stored=99), Topics()
    _through(runs, topics, Clock())
    assert runs.failures == [
        ("scanner", {}, NO_RESULT),
        ("spf", {}, NO_GRADE),
        ("mx", {}, NO_GRADE),
    ]


def test_dead_letters_say_why() -> None:
    runs, topics = Runs(_queued(), stored=99), Topics()
    topics.dead = {
        SCAN_RESULTS: [
            _letter(SCAN_RESULTS, b"a.test", "processor", 7),
            _letter(SCAN_RESULTS, b"b.test", "processor", 6),
        ],
        GRADE_REQUESTS: [_letter(GRADE_REQUESTS, b"c.test", "grader-mx", 7)],
    }
    _through(runs, topics, Clock())
    assert runs.failures == [
        ("processor", {"a.test": "dead letter: damaged"}, None),
        ("scanner", {}, NO_RESULT),
        ("spf", {"a.test": "dead letter: damaged"}, NO_GRADE),
        ("mx", {"a.test": "dead letter: damaged", "c.test": "dead letter: damaged"}, NO_GRADE),
    ]


def test_a_letter_of_a_service_whose_clock_is_late_is_read() -> None:
    runs, topics = Runs(_queued(), stored=99), Topics()
    late = START - timedelta(minutes=1)
    topics.dead = {SCAN_RESULTS: [_letter(SCAN_RESULTS, b"a.test", "processor", 7, late)]}
    _through(runs, topics, Clock())
    assert ("processor", {"a.test": "dead letter: damaged"}, None) in runs.failures


def test_a_run_with_too_few_site_runs_is_botched() -> None:
    runs = Runs(_queued(), stored=91)
    _through(runs, Topics(), Clock())
    assert runs.run.state is State.BOTCHED
    assert _kinds(runs)[-1] == "botched"
    mail = runs.letters[-2].payload
    assert mail["subject"] == "[DNStats] CRITICAL Botched Run 7"
    assert "Target: 92 (92% of 100)\nActual: 91\nDelta: -1" in mail["text"]


def test_a_run_is_closed_as_incomplete_at_its_deadline() -> None:
    runs, topics, clock = Runs(_queued(), stored=40), Topics(), Clock()
    follower = Follower(runs, topics, clock, 0.92)
    clock.advance(hours=19, minutes=59)
    assert not follower.close_late(runs.run)
    clock.advance(minutes=1)
    assert follower.close_late(runs.run)
    assert runs.run.state is State.INCOMPLETE
    assert runs.run.note == "its deadline passed while it waited for scanner"
    assert {reason for _, _, reason in runs.failures} == {runs.run.note}
    assert [stage for stage, _, _ in runs.failures] == ["scanner", "spf", "mx"]
    assert _kinds(runs) == ["incomplete"]


def test_a_late_run_says_who_was_not_running_and_whose_letters_it_has() -> None:
    runs, topics, clock = Runs(_queued(), stored=98), Topics(), Clock()
    topics.missing = {"grader-mx", "grader-dmarc"}
    topics.dead = {GRADE_REQUESTS: [_letter(GRADE_REQUESTS, b"c.test", "grader-spf", 7)]}
    topics.position = {"scanner": {0: 5, 1: 5}}
    follower = Follower(runs, topics, clock, 0.92)
    follower.follow(runs.run)
    follower.follow(runs.run)
    topics.end = {GRADE_REQUESTS: {0: 1, 1: 1}}
    clock.advance(hours=20)
    assert follower.close_late(runs.run)
    waited = "its deadline passed while it waited for grader-spf, grader-mx"
    assert runs.run.note == f"{waited} (not running: grader-mx)"
    assert runs.failures[-2:] == [
        ("spf", {"c.test": "dead letter: damaged"}, waited),
        ("mx", {}, waited),
    ]


def test_a_closed_run_gets_the_ends_that_it_never_reached() -> None:
    runs, topics = Runs(_queued(state=State.CANCELLED, note="cancelled by hand")), Topics()
    topics.end = {SCAN_RESULTS: {0: 30, 1: 20}}
    scheduler = _scheduler(runs, topics)
    scheduler.turn()
    assert runs.run.ends == {
        SCAN_REQUESTS: {0: 5, 1: 5},
        SCAN_RESULTS: {0: 30, 1: 20},
        GRADE_REQUESTS: {0: 0, 1: 0},
    }
    assert {reason for _, _, reason in runs.failures} == {"the run was closed: cancelled by hand"}
    runs.failures.clear()
    scheduler.turn()
    assert not runs.failures


def test_turns_take_a_planned_run_to_its_end() -> None:
    runs, topics = Runs(planned(), ["a.test", "b.test"], stored=2), Topics()
    scheduler = _scheduler(runs, topics)
    states = []
    while scheduler.turn():
        states.append(runs.run.state)
    assert states == [
        State.PUBLISHING,
        State.QUEUED,
        State.SCANNED,
        State.SCANNED,
        State.GRADED,
    ]
    assert _kinds(runs) == ["started", "queued", "scanned", "graded"]


def _scheduler(runs: Runs, topics: Topics) -> Scheduler:
    clock, plans = Clock(), Plans()
    return Scheduler(
        runs,
        Publisher(runs, plans, topics, Sender(), clock, timedelta(hours=20)),
        Follower(runs, topics, clock, 0.92),
    )


def test_a_leader_whose_clock_is_late_tells_no_time_before_the_last() -> None:
    runs, topics, clock = Runs(_queued(), stored=99), Topics(), Clock()
    clock.advance(minutes=-1)
    _through(runs, topics, clock)
    run = runs.run
    assert run.queued_at == run.scanned_at == run.processed_at == run.finished_at
    assert set(run.seconds.values()) >= {0.0}
    assert min(run.seconds.values()) == 0.0
