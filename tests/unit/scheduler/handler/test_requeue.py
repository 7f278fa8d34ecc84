from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.common.messages import scan_request
from services.common.messages.dead_letter import DeadLetter
from services.common.messages.envelope import BrokenError, Incoming, run_header
from services.common.messages.scan_request import BatchSite, ScanRequest
from services.common.messages.topics import (
    GRADE_REQUESTS,
    RUN_EVENTS,
    SCAN_REQUESTS,
    SCAN_RESULTS,
)
from services.scheduler.core.letters import microseconds
from services.scheduler.core.run import Run
from services.scheduler.core.run_states import State
from services.scheduler.handler.requeue import RefusedError, Requeuer, message
from tests.unit.scheduler.fakes import START, Clock, Runs, Sender, Topics, planned

TIME = timedelta(hours=20)
BATCH = ScanRequest(
    7,
    3,
    microseconds(START),
    microseconds(START + TIME),
    b"secret",
    "normal",
    (BatchSite(1, "a.test", 1),),
)


class Handled:
    def __init__(self) -> None:
        self.letters: list[tuple[str, str]] = []

    def note(self, letters: Iterable[DeadLetter], action: str, now: datetime) -> None:
        self.letters += [(letter.id, action) for letter in letters]


class Bench:
    def __init__(self, run: Run, sender: Sender | None = None) -> None:
        self.runs, self.topics, self.sender = Runs(run), Topics(), sender or Sender()
        self.handled, self.clock = Handled(), Clock()
        self.clock.advance(hours=30)
        self.requeuer = Requeuer(
            self.runs, self.topics, self.sender, self.handled, self.clock, TIME
        )


def _graded(**given: object) -> Run:
    times = dict.fromkeys(["started_at", "queued_at", "scanned_at", "processed_at"], START)
    ends = {key: {0: 5} for key in [SCAN_REQUESTS, SCAN_RESULTS, GRADE_REQUESTS]}
    finished = START + timedelta(hours=2)
    return planned(
        **{
            "state": State.GRADED,
            "finished_at": finished,
            "deadline": START + TIME,
            "ends": ends,
            **times,
            **given,
        }
    )


def _letter(topic: str = SCAN_RESULTS, run: int | None = 7, value: bytes = b"?") -> DeadLetter:
    headers = (("other", b"x"), run_header(run)) if run else ()
    origin = Incoming(topic, 3, 12, b"a.test", value, headers, 0)
    return DeadLetter(0, 17, origin, "processor", "damaged", 0)


def test_a_message_is_sent_as_it_was_and_its_run_reopened() -> None:
    bench = Bench(_graded())
    bench.topics.end = {SCAN_RESULTS: {0: 6, 1: 4}}
    run = bench.requeuer.requeue([_letter()])
    (sent,) = bench.sender.delivered
    assert (sent.topic, sent.partition, sent.key, sent.value) == (SCAN_RESULTS, 3, b"a.test", b"?")
    assert sent.headers == (("other", b"x"), run_header(7))
    assert run is not None
    assert (run.state, run.finished_at, run.processed_at) == (State.SCANNED, None, None)
    assert run.deadline == bench.clock.now + TIME
    assert run.ends == {SCAN_REQUESTS: {0: 5}, SCAN_RESULTS: {0: 6, 1: 4}}
    assert run.note == "reopened 2026-11-25 14:00:00 UTC with 1 dead letters of scan-results"
    (event,) = bench.runs.letters
    assert (event.payload["kind"], event.payload["note"]) == ("reopened", run.note)
    assert bench.handled.letters == [("scan-results.dlq:0:17", "requeued")]


def test_many_letters_reopen_once() -> None:
    bench = Bench(_graded())
    bench.requeuer.requeue([_letter(), _letter(GRADE_REQUESTS), _letter(RUN_EVENTS, run=None)])
    assert len(bench.sender.delivered) == 3
    assert [letter.payload["kind"] for letter in bench.runs.letters] == ["reopened"]


def test_a_message_on_which_several_graders_gave_up_goes_once() -> None:
    bench = Bench(_graded())
    letter = _letter(GRADE_REQUESTS)
    other = replace(letter, offset=18, service="grader-mx")
    bench.requeuer.requeue([letter, other])
    assert len(bench.sender.delivered) == 1
    assert [action for _, action in bench.handled.letters] == ["requeued", "requeued"]


def test_a_batch_that_nobody_would_take_is_made_again() -> None:
    deadline = START + timedelta(hours=50)
    letter = _letter(SCAN_REQUESTS, value=BATCH.encode())
    closed = _graded()
    made = scan_request.decode(message(letter, closed, deadline).value)
    assert closed.finished_at is not None
    assert made == replace(
        BATCH,
        created_at=microseconds(closed.finished_at) + 1,
        expires_at=microseconds(deadline),
    )
    unfinished = _graded(state=State.QUEUED, finished_at=None, deadline=deadline)
    made = scan_request.decode(message(letter, unfinished, deadline).value)
    assert made == replace(BATCH, expires_at=microseconds(deadline))


def test_a_batch_that_cannot_be_read_goes_as_it_was() -> None:
    letter = _letter(SCAN_REQUESTS, value=b"damaged")
    assert message(letter, _graded(), START).value == b"damaged"


def test_nothing_happens_where_the_messages_are_not_delivered() -> None:
    bench = Bench(_graded(), Sender(limit=0))
    with pytest.raises(BrokenError):
        bench.requeuer.requeue([_letter()])
    assert bench.runs.run == _graded()
    assert not bench.handled.letters


def test_an_open_run_takes_them_in_place() -> None:
    late = START + timedelta(hours=60)
    bench = Bench(_graded(state=State.SCANNED, finished_at=None, deadline=late))
    bench.topics.end = {GRADE_REQUESTS: {0: 9}}
    run = bench.requeuer.requeue([_letter(GRADE_REQUESTS)])
    assert run is not None
    assert (run.state, run.deadline) == (State.SCANNED, late)
    assert run.ends[GRADE_REQUESTS] == {0: 9}
    assert run.note.startswith("went on 2026-11-25 14:00:00 UTC")


def test_letters_that_need_no_run_have_none() -> None:
    bench = Bench(_graded())
    assert bench.requeuer.requeue([_letter(RUN_EVENTS, run=None)]) is None
    assert bench.runs.run == _graded()
    assert bench.handled.letters == [("run-events.dlq:0:17", "requeued")]


@pytest.mark.parametrize(
    ("letters", "why"),
    [
        ([_letter(run=None)], "scan-results.dlq:0:17: no header says which run"),
        ([_letter(run=None)] * 5, "and 2 more: no header"),
        ([_letter(run=7), _letter(run=6)], r"of runs 6, 7, .* begin with --run 6"),
        ([_letter(run=9)], "there is no run 9"),
    ],
)
def test_what_no_run_could_account_for_is_refused(letters: list[DeadLetter], why: str) -> None:
    bench = Bench(_graded())
    with pytest.raises(RefusedError, match=why):
        bench.requeuer.requeue(letters)
    assert not bench.sender.delivered


def test_another_open_run_is_named() -> None:
    bench = Bench(_graded())
    bench.runs.other = planned(id=8, state=State.QUEUED, deadline=START + timedelta(hours=40))
    with pytest.raises(RefusedError, match="while run 8 is open: that ends by 2026-11-26 00:00:00"):
        bench.requeuer.requeue([_letter()])
    assert not bench.sender.delivered


def test_a_run_that_opens_meanwhile_is_named_and_nothing_noted() -> None:
    other = planned(id=8, state=State.QUEUED, deadline=START + timedelta(hours=40))
    bench = Bench(_graded())
    bench.requeuer.run_of([_letter()])

    class Opening(Sender):
        def flush(self) -> None:
            super().flush()
            bench.runs.other = other

    bench.requeuer._sender = Opening()
    with pytest.raises(RefusedError, match="while run 8 is open"):
        bench.requeuer.requeue([_letter()])
    assert not bench.handled.letters
