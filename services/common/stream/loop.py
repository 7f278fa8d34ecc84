"""The loop of the processor and the graders."""

import threading
from collections.abc import Sequence
from functools import partial

from services.common.stream.begin import RunStarts, begin
from services.common.stream.broker import Broker
from services.common.stream.consumer import Member
from services.common.stream.dead_letters import DeadLetters
from services.common.stream.producer import Producer
from services.common.stream.settle import (
    BATCH_MESSAGES,
    BATCH_SECONDS,
    Handle,
    Settler,
    ends_of,
)
from services.common.telemetry.health import Pulse
from services.common.telemetry.logs import bound


def run(
    broker: Broker,
    topics: Sequence[str],
    group: str,
    handle: Handle,
    *,
    run_starts: RunStarts,
    service: str,
    pulse: Pulse,
    stop: threading.Event,
) -> None:
    """Handle the messages of `topics` as a member of `group` until `stop` is set.

    `handle` raises InvalidError where a message can never be processed: the batch is halved until
    the message is found, and that one becomes a dead letter. BrokenError is waited out without
    limit. Whatever else it raises comes out of here after `TRIES` attempts; so do
    TooManyDeadLettersError and ProducerFailedError, at once. Where the group has no offset it
    begins at the open run, which `run_starts` tells.
    """
    producer = Producer(broker)
    letters = DeadLetters(producer, service)
    join = partial(Member, broker, topics, group, pulse)
    with bound(group=group), Settler(join, producer, handle, letters.add, pulse, stop) as settler:
        while not stop.is_set():
            batch = settler.member.read(BATCH_MESSAGES, BATCH_SECONDS)
            if batch:
                letters.seen(len(batch))
                settler.settle(batch)
            settler.commit(ends_of(batch))
            if settler.member.adrift:
                settler.patiently(partial(begin, broker, settler.member, run_starts))
