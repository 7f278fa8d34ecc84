"""Dead letters sent to their topics again, and their run reopened for them.

Order: messages delivered → run reopened → letters noted as handled. Whoever is killed in between
does it all again: a message that comes twice changes nothing.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from services.common.messages import scan_request
from services.common.messages.codec import UndecodableError
from services.common.messages.dead_letter import DeadLetter
from services.common.messages.envelope import BrokenError, Outgoing
from services.common.messages.run_event import REOPENED
from services.common.messages.topics import RUN_EVENTS, SCAN_REQUESTS
from services.scheduler.core.letters import Letter, event, microseconds
from services.scheduler.core.reopening import back, refusal
from services.scheduler.core.run import Run
from services.scheduler.handler.ports import (
    Change,
    Clock,
    HandledLetters,
    OpenRunError,
    Runs,
    Sender,
    Topics,
)

TRIES = 5
"""While the run moves on under our hands."""
NAMED = 3


class RefusedError(Exception):
    """These letters cannot be sent again; the text says why."""


class Requeuer:
    """`time` is what a reopened run is given until its deadline."""

    def __init__(
        self,
        runs: Runs,
        topics: Topics,
        sender: Sender,
        handled: HandledLetters,
        clock: Clock,
        time: timedelta,
    ) -> None:
        self._runs = runs
        self._topics = topics
        self._sender = sender
        self._handled = handled
        self._clock = clock
        self._time = time

    def run_of(self, letters: Sequence[DeadLetter]) -> Run | None:
        """The one run that the letters are of, which can take them; None where they need none.
        Raises RefusedError, BrokenError."""
        needing = [letter for letter in letters if letter.origin.topic != RUN_EVENTS]
        if stray := [letter.id for letter in needing if letter.run is None]:
            more = f" and {len(stray) - NAMED} more" if len(stray) > NAMED else ""
            raise RefusedError(
                f"{', '.join(stray[:NAMED])}{more}: no header says which run this is of, so no run "
                "could account for it; it can only be dropped"
            )
        numbers = sorted({letter.run for letter in needing if letter.run is not None})
        if not numbers:
            return None
        if len(numbers) > 1:
            named = ", ".join(map(str, numbers))
            raise RefusedError(
                f"these letters are of runs {named}, and one run can be open at a time: "
                f"begin with --run {numbers[0]}"
            )
        return self._reopenable(numbers[0])

    def requeue(self, letters: Sequence[DeadLetter]) -> Run | None:
        """Send the letters again; returns the open run that waits for them. Raises RefusedError
        before anything is sent, BrokenError."""
        run = self.run_of(letters)
        deadline = self._deadline(run)
        for letter in {_sent(letter): letter for letter in letters}.values():
            self._sender.send(message(letter, run, deadline))
        self._sender.flush()
        if run is not None:
            run = self._reopen(run.id, letters, deadline)
        self._handled.note(letters, "requeued", self._clock())
        return run

    def _reopenable(self, number: int) -> Run:
        run = self._runs.load(number)
        if reason := refusal(run, number, self._runs.find_open()):
            raise RefusedError(reason)
        assert run is not None  # noqa: S101  # refused otherwise
        return run

    def _deadline(self, run: Run | None) -> datetime:
        wanted = self._clock() + self._time
        return max(wanted, run.deadline) if run and run.deadline else wanted

    def _reopen(self, number: int, letters: Sequence[DeadLetter], deadline: datetime) -> Run:
        topics = {letter.origin.topic for letter in letters} - {RUN_EVENTS}
        for _ in range(TRIES):
            run = self._reopenable(number)
            now = self._clock()
            change = self._change(run, topics, deadline, len(letters), now)
            tell = partial(_tell, now=now)
            with suppress(OpenRunError):  # the next look names the other run
                changed = self._runs.change(run, change, tell)
                if changed is not None:
                    return changed
        raise BrokenError(f"run {number} moves on all the time: do the same again")

    def _change(
        self, run: Run, topics: set[str], deadline: datetime, count: int, now: datetime
    ) -> Change:
        found = back(run, topics)
        what = "reopened" if run.closed else "went on"
        named = ", ".join(sorted(topics))
        return Change(
            found.state,
            {**found.times, "deadline": deadline},
            ends={topic: self._topics.ends(topic) for topic in found.renewed},
            forgotten=found.forgotten,
            note=f"{what} {now:%Y-%m-%d %H:%M:%S} UTC with {count} dead letters of {named}",
        )


def _tell(run: Run, now: datetime) -> list[Letter]:
    return [event(run, REOPENED, now, {}, run.note)]


def _sent(letter: DeadLetter) -> tuple[str, int, int, bytes | None]:
    """Equal for the letters of one message that several graders gave up on: it goes once, or each
    of them would give up on it as often again."""
    origin = letter.origin
    return origin.topic, origin.partition, origin.offset, origin.value


def message(letter: DeadLetter, run: Run | None, deadline: datetime) -> Outgoing:
    """The message of a letter as it was. A batch that no scanner would take any more, because it
    has expired or its run was closed since, is made again until `deadline`."""
    origin = letter.origin
    value = origin.value or b""
    if run is not None and origin.topic == SCAN_REQUESTS:
        value = _renewed(value, run, deadline)
    partition = origin.partition if origin.partition >= 0 else None
    return Outgoing(origin.topic, origin.key, value, origin.headers, partition)


def _renewed(value: bytes, run: Run, deadline: datetime) -> bytes:
    try:
        request = scan_request.decode(value)
    except UndecodableError:
        return value
    if run.finished_at is not None:
        # Scanners leave out what is no younger than the end of its run.
        created_at = max(request.created_at, microseconds(run.finished_at) + 1)
        request = replace(request, created_at=created_at)
    return replace(request, expires_at=microseconds(deadline)).encode()
