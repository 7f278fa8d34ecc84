"""`dnstats scheduler` as processes of their own: killed, doubled, without a mail server."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.messages import run_event
from services.common.messages.topics import RUN_EVENTS
from services.scheduler.adapters.leader import SILENCE_SECONDS
from services.scheduler.core.run_states import State
from services.scheduler.handler.ports import Change
from services.scheduler.handler.publish import PAGE
from tests.integration.schedulers import Installation, Scheduler, installation, now
from tests.integration.streams import read_all, until
from tests.mail_server import free_port, mail_server

pytestmark = pytest.mark.services


SITES = 2 * PAGE + PAGE // 4


@pytest.fixture
def at(
    database: str, kafka: str, topic_prefix: str, request: pytest.FixtureRequest
) -> Iterator[Installation]:
    """With 200 sites, or as many as the test is parametrised with."""
    with installation(database, kafka, topic_prefix, getattr(request, "param", 200)) as made:
        yield made


@pytest.mark.parametrize("at", [SITES], indirect=True)
def test_killed_while_publishing_it_goes_on_with_nothing_wrong_or_missing(
    at: Installation, tmp_path: Path
) -> None:
    run = at.plan(batch_size=5)
    with Scheduler(at, tmp_path / "first") as first:
        until(lambda: at.run(run.id).published_batches > 0)
        first.kill()
    left = at.run(run.id)
    assert left.state is State.PUBLISHING
    assert left.published_batches < left.batches == SITES // 5
    with Scheduler(at, tmp_path / "second") as second:
        until(lambda: at.run(run.id).state is State.QUEUED, 60)
        assert second.stop() == 0
    requests = at.requests()
    by_number = {request.batch: request for request in requests}
    assert len(by_number) == SITES // 5
    assert all(by_number[request.batch] == request for request in requests)
    sites = Counter(site.domain for request in by_number.values() for site in request.sites)
    assert sites == Counter(f"s{rank}.test" for rank in range(1, SITES + 1))
    assert at.run(run.id).starts == left.starts


def test_another_scheduler_takes_over_from_one_that_dies(at: Installation, tmp_path: Path) -> None:
    with Scheduler(at, tmp_path / "first") as first:
        until(lambda: first.leads)
        with Scheduler(at, tmp_path / "second") as second:
            run = at.plan(top=100)
            until(lambda: at.run(run.id).state is State.QUEUED)
            assert not second.leads
            first.kill()
            until(lambda: second.leads, 20)
            at.runs.change(at.run(run.id), Change(State.CANCELLED, {"finished_at": now()}))
            until(lambda: not at.runs.unsealed())
    assert len(at.requests()) == at.run(run.id).batches


def test_another_scheduler_takes_over_from_one_that_stands_still(
    at: Installation, tmp_path: Path
) -> None:
    with Scheduler(at, tmp_path / "first") as first:
        until(lambda: first.leads)
        with Scheduler(at, tmp_path / "second") as second:
            first.process.send_signal(signal.SIGSTOP)
            until(lambda: second.leads, SILENCE_SECONDS + 15)
            run = at.plan(top=100)
            until(lambda: at.run(run.id).state is State.QUEUED)
            first.process.send_signal(signal.SIGCONT)
            until(lambda: "leadership lost" in first.log.read_text("utf-8"))
            assert first.process.poll() is None
    assert len(at.requests()) == at.run(run.id).batches


def test_a_mail_server_that_is_down_holds_no_run(at: Installation, tmp_path: Path) -> None:
    port = free_port()
    run = at.plan(top=100)
    with Scheduler(at, tmp_path / "log", MAIL_SERVER=f"127.0.0.1:{port}"):
        until(lambda: at.run(run.id).state is State.QUEUED)
        until(lambda: _events(at) == ["started", "queued"])
        tried = "SELECT error FROM outbox WHERE kind = 'mail' AND attempts > 0"
        until(lambda: len(at.query(tried)) == 3)
        assert {error for (error,) in at.query(tried)} == {
            f"127.0.0.1:{port}: [Errno 111] Connection refused"
        }
        with mail_server(port) as (received, _):
            until(lambda: len(received.messages()) == 3, 60)
    assert sorted(message["Subject"] for message in received.messages()) == [
        "[DNStats] All Scans In Queue",
        "[DNStats] Scan Starting",
        "[DNStats] Site List Update Is Done",
    ]


def _events(at: Installation) -> list[str]:
    return [run_event.decode(value).kind for value, _ in read_all(at.broker, RUN_EVENTS)]
