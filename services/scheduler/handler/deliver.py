"""The outbox, emptied: mails to the mail server, run events to their topic."""

from datetime import timedelta

from services.common.messages.envelope import BrokenError, Outgoing, run_header
from services.common.messages.run_event import RunEvent
from services.common.messages.topics import RUN_EVENTS
from services.scheduler.core.letters import Letter
from services.scheduler.handler.ports import Clock, Mailer, MailError, Post, Sender

AT_ONCE = 100
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=15)


class Deliverer:
    """At least once: what is delivered and not noted as such is delivered again."""

    def __init__(self, post: Post, mailer: Mailer, sender: Sender, clock: Clock) -> None:
        self._post = post
        self._mailer = mailer
        self._sender = sender
        self._clock = clock

    def deliver(self) -> None:
        """Try everything that is due once; what fails is tried later, ever more rarely."""
        waiting = self._post.waiting(self._clock(), AT_ONCE)
        self._deliver_events([letter for letter, _ in waiting if letter.kind == "event"])
        self._deliver_mails([found for found in waiting if found[0].kind == "mail"])

    def _deliver_events(self, letters: list[Letter]) -> None:
        if not letters:
            return
        try:
            for letter in letters:
                self._sender.send(event_message(letter))
            self._sender.flush()
        except BrokenError as error:
            for letter in letters:
                self._post.postpone(letter, self._clock() + _FIRST_PAUSE, str(error))
        else:
            self._post.delivered(letters, self._clock())

    def _deliver_mails(self, waiting: list[tuple[Letter, int]]) -> None:
        """The first that fails is the last that is tried: each may take its time to fail."""
        fault = ""
        for letter, attempts in waiting:
            try:
                if not fault:
                    self._mailer.send(letter.id, letter.payload["subject"], letter.payload["text"])
            except MailError as error:
                fault = str(error)
            if fault:
                self._post.postpone(letter, self._clock() + pause(attempts), fault)
            else:
                self._post.delivered([letter], self._clock())


def pause(attempts: int) -> timedelta:
    """How long to wait after so many earlier attempts and one more."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(attempts, 10)))


def event_message(letter: Letter) -> Outgoing:
    event = RunEvent(**letter.payload)
    headers = (run_header(event.run_id),)
    return Outgoing(RUN_EVENTS, b"%d" % event.run_id, event.encode(), headers)
