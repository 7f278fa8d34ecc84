"""From a planned run to one whose batches are all out.

Everything that a batch holds is stored before the first one goes: whoever is killed in between is
followed by somebody who sends the very same batches, from the last that was noted.
"""

from datetime import timedelta

from services.common.messages.envelope import Outgoing, run_header
from services.common.messages.scan_request import BatchSite, ScanRequest
from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS
from services.scheduler.core import mails
from services.scheduler.core.barriers import groups
from services.scheduler.core.batches import partition_of
from services.scheduler.core.letters import event, microseconds
from services.scheduler.core.run import Run
from services.scheduler.core.run_states import State
from services.scheduler.handler.ports import Change, Clock, Plans, Runs, Sender, Topics

PAGE = 20_000
"""Sites published between two notes of how far we are."""


class Publisher:
    def __init__(
        self,
        runs: Runs,
        plans: Plans,
        topics: Topics,
        sender: Sender,
        clock: Clock,
        deadline: timedelta,
    ) -> None:
        self._runs = runs
        self._plans = plans
        self._topics = topics
        self._sender = sender
        self._clock = clock
        self._deadline = deadline

    def prepare(self, run: Run) -> None:
        """Fix the sites and the windows of a planned run, and say that it starts."""
        partitions = len(self._topics.ends(SCAN_REQUESTS))
        run = self._runs.fix_sites(run, partitions)
        now = self._clock()
        if not run.sites:
            closing = Change(State.INCOMPLETE, {"finished_at": now}, note="the list has no sites")
            self._runs.change(run, closing, lambda closed: [event(closed, "incomplete", now, {})])
            return
        starts = {
            topic: self._topics.ends(topic)
            for topic in (SCAN_REQUESTS, SCAN_RESULTS, GRADE_REQUESTS)
        }
        times = {"started_at": now, "deadline": now + self._deadline}
        listed, cost = self._plans.list_of(run), self._plans.estimate(run.sites)
        absent = self._topics.absent(groups(run.graders))
        self._runs.change(
            run,
            Change(State.PUBLISHING, times, starts=starts),
            lambda started: [
                mails.starting(started, listed, cost, absent),
                event(started, "started", now, _size(started)),
            ],
        )

    def publish(self, run: Run) -> None:
        """Send what is still to be sent of a publishing run, then call it queued."""
        partitions = len(run.starts[SCAN_REQUESTS])
        step = max(1, PAGE // run.batch_size)
        for first in range(run.published_batches, run.batches, step):
            page = self._runs.batches(run, first, step)
            for number, sites in page:
                self._sender.send(batch_message(run, number, sites, partitions))
            self._sender.flush()
            if not self._runs.published(run, first + len(page)):
                return
        now = run.in_order(self._clock())
        self._runs.change(
            run,
            Change(
                State.QUEUED,
                {"queued_at": now},
                ends={SCAN_REQUESTS: self._topics.ends(SCAN_REQUESTS)},
            ),
            lambda queued: [mails.queued(queued), event(queued, "queued", now, _size(queued))],
        )


def batch_message(run: Run, number: int, sites: tuple[BatchSite, ...], partitions: int) -> Outgoing:
    """A batch of a started run: the same bytes whenever it is made."""
    partition = partition_of(number, partitions)
    started_at, deadline = run.span
    request = ScanRequest(
        run_id=run.id,
        batch=number,
        created_at=microseconds(started_at),
        expires_at=microseconds(deadline),
        secret=run.secret,
        depth=run.depth,
        sites=sites,
    )
    return Outgoing(
        SCAN_REQUESTS,
        b"%d" % partition,
        request.encode(),
        headers=(run_header(run.id),),
        partition=partition,
    )


def _size(run: Run) -> dict[str, int]:
    return {"sites": run.sites, "batches": run.batches}
