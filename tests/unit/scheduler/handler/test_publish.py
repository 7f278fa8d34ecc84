from datetime import timedelta

import pytest

from services.common.messages import scan_request
from services.common.messages.envelope import BrokenError, Outgoing
from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS
from services.scheduler.core.run_states import State
from services.scheduler.handler.publish import PAGE, Publisher
from tests.unit.scheduler.fakes import START, Clock, Plans, Runs, Sender, Topics, planned

DOMAINS = [f"site{number}.test" for number in range(50)]


def _publisher(runs: Runs, topics: Topics, sender: Sender) -> Publisher:
    return Publisher(runs, Plans(), topics, sender, Clock(), timedelta(hours=20))


def _domains(messages: list[Outgoing]) -> list[str]:
    decoded = [scan_request.decode(message.value) for message in messages]
    return [site.domain for request in decoded for site in request.sites]


def test_preparing_fixes_windows_and_deadline_and_says_that_the_run_starts() -> None:
    runs, topics = Runs(planned(), DOMAINS), Topics()
    topics.end = {SCAN_RESULTS: {0: 5, 1: 8}, GRADE_REQUESTS: {0: 3, 1: 4}}
    _publisher(runs, topics, Sender()).prepare(runs.run)
    assert runs.run.state is State.PUBLISHING
    assert runs.run.starts == {SCAN_REQUESTS: {0: 0, 1: 0}, **topics.end}
    assert runs.run.deadline == START + timedelta(hours=20)
    assert (runs.run.sites, runs.run.batch_size, runs.run.batches) == (50, 6, 9)
    mail, event = runs.letters
    assert mail.payload["subject"] == "[DNStats] Scan Starting"
    for said in ("Run 7", "K2VLW of 2026-11-24", "50 in 9 batches", "1,500 questions"):
        assert said in mail.payload["text"]
    assert event.payload["kind"] == "started"
    assert event.payload["counts"] == {"sites": 50, "batches": 9}


def test_a_run_without_sites_is_closed_at_once() -> None:
    runs = Runs(planned(), [])
    _publisher(runs, Topics(), Sender()).prepare(runs.run)
    assert runs.run.state is State.INCOMPLETE
    assert runs.run.note == "the list has no sites"


def test_every_site_is_published_once_in_batches_spread_over_partitions() -> None:
    runs, topics, sender = Runs(planned(), DOMAINS), Topics(), Sender()
    publisher = _publisher(runs, topics, sender)
    publisher.prepare(runs.run)
    publisher.publish(runs.run)
    assert _domains(sender.delivered) == DOMAINS
    assert [message.partition for message in sender.delivered] == [0, 1, 0, 1, 0, 1, 0, 1, 0]
    assert [message.key for message in sender.delivered[:2]] == [b"0", b"1"]
    assert runs.run.state is State.QUEUED
    assert [letter.payload.get("kind", "mail") for letter in runs.letters[2:]] == ["mail", "queued"]


def test_the_ends_of_the_batches_are_noted_after_the_last_one() -> None:
    runs, topics, sender = Runs(planned(), DOMAINS), Topics(), Sender()
    publisher = _publisher(runs, topics, sender)
    publisher.prepare(runs.run)
    topics.end = {SCAN_REQUESTS: {0: 5, 1: 4}}
    publisher.publish(runs.run)
    assert runs.run.ends == {SCAN_REQUESTS: {0: 5, 1: 4}}


def test_interrupted_publishing_goes_on_with_the_very_same_batches() -> None:
    domains = [f"site{number}.test" for number in range(3 * PAGE)]
    runs, topics, sender = Runs(planned(batch_size=10_000), domains), Topics(), Sender(limit=3)
    publisher = _publisher(runs, topics, sender)
    publisher.prepare(runs.run)
    with pytest.raises(BrokenError):
        publisher.publish(runs.run)
    assert runs.run.state is State.PUBLISHING
    assert runs.run.published_batches == 2
    sender.limit = None
    publisher.publish(runs.run)
    assert len(sender.delivered) == 3 + 4
    assert sender.delivered[2] == sender.delivered[3]
    assert list(dict.fromkeys(_domains(sender.delivered))) == domains


def test_a_run_cancelled_meanwhile_is_not_published_further() -> None:
    runs, topics, sender = Runs(planned(), DOMAINS), Topics(), Sender()
    publisher = _publisher(runs, topics, sender)
    publisher.prepare(runs.run)
    before = runs.run
    runs.run = planned(state=State.CANCELLED)
    publisher.publish(before)
    assert runs.run.state is State.CANCELLED
