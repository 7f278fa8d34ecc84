"""One question on its way through tries and fallbacks to the lookups that tell of it."""

from collections.abc import Callable

from services.common.dns.lookup import Lookup, Question
from services.common.dns.observe import RESOLVER
from services.common.dns.query import is_response, question_wire, template
from services.common.dns.status import Status
from services.scanner.adapters.evidence import answered, unanswered
from services.scanner.adapters.udp import RECEIVE_SIZE
from services.scanner.adapters.upstream import Upstream

BACK_OFF = 0.2
"""Seconds before the next try where nobody listens, times the tries made."""

_TC, _FORMERR, _NOTIMP = 0x02, 1, 4


class Exchange:
    """Asks one question; `done` gets its lookups, in the order made.

    A timeout goes to the next resolver; FORMERR and NOTIMP once more without EDNS; truncation to
    TCP; a resolver's SERVFAIL once more with CD=1, and both lookups are kept. `server` is the
    published address of a name server asked directly, without recursion. Raises BadNameError or
    BadTypeError for a question that cannot be written.
    """

    __slots__ = (
        "_done",
        "_edns",
        "_lookups",
        "_server",
        "_udp",
        "_upstream",
        "attempts",
        "checking_disabled",
        "question",
        "section",
        "server",
        "started",
        "tail",
    )

    def __init__(
        self,
        upstream: Upstream,
        question: Question,
        checking_disabled: bool,
        done: Callable[[list[Lookup]], None],
        server: str = RESOLVER,
    ) -> None:
        self.section = question_wire(question)
        self.started = 0.0
        self.question = question
        self.checking_disabled = checking_disabled
        self.server = server
        self.attempts = 0
        self._upstream = upstream
        self._server = upstream.first()
        self._edns = True
        self._udp = (b"", 0.0)
        self._lookups: list[Lookup] = []
        self._done = done
        self._write()

    def submit(self) -> None:
        """Ask, when the server's window allows."""
        self.attempts += 1
        self._server.submit(self)

    def answered(self, response: bytes, seconds: float) -> None:
        if self._edns and response[3] & 0xF in (_FORMERR, _NOTIMP):
            self._edns = False
            self._write()
            self.submit()
        elif response[2] & _TC or len(response) >= RECEIVE_SIZE:
            self._udp = (response, seconds)
            self._ask_over_tcp()
        else:
            self._conclude(answered(self, response, "udp", seconds))

    def timed_out(self) -> None:
        limits = self._upstream.limits
        if self.attempts < limits.tries:
            self._server = self._upstream.after(self._server)
            self.submit()
        else:
            self._conclude(unanswered(self, Status.TIMEOUT, "", limits.timeout))

    def failed(self, error: OSError) -> None:
        if self.attempts < self._upstream.limits.tries:
            self._server = self._upstream.after(self._server)
            self._upstream.loop.call_later(BACK_OFF * self.attempts, self.submit)
        else:
            reason = error.strerror or type(error).__name__
            self._conclude(unanswered(self, Status.NETWORK, reason))

    def _ask_over_tcp(self) -> None:
        self._upstream.over_tcp(self._server, self.tail, self._over_tcp)

    def _over_tcp(self, response: bytes, seconds: float) -> None:
        """Empty: TCP did not bring it. Where it never does, the truncated response is the
        evidence."""
        self.attempts += 1
        if is_response(response, self.section):
            self._conclude(answered(self, response, "tcp", seconds))
        elif self.attempts < self._upstream.limits.tries:
            self._server = self._upstream.after(self._server)
            self._upstream.loop.call_later(BACK_OFF * self.attempts, self._ask_over_tcp)
        else:
            self._conclude(answered(self, self._udp[0], "udp", self._udp[1]))

    def _conclude(self, lookup: Lookup) -> None:
        self._lookups.append(lookup)
        validates = self.server == RESOLVER and not lookup.checking_disabled
        if validates and lookup.status is Status.SERVFAIL:
            self.checking_disabled, self.attempts = True, 0
            self._write()
            self.submit()
        else:
            self._done(self._lookups)

    def _write(self) -> None:
        self.tail = template(
            self.section,
            recursion=self.server == RESOLVER,
            checking_disabled=self.checking_disabled,
            edns=self._edns,
        )
