"""The questions of one site, within its budget."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter

from services.common.dns.lookup import Lookup, Question
from services.common.dns.names import BadNameError
from services.common.dns.rdtypes import BadTypeError
from services.scanner.adapters.counters import Counters
from services.scanner.adapters.evidence import not_asked
from services.scanner.adapters.exchange import Exchange
from services.scanner.adapters.limits import Limits
from services.scanner.adapters.round import Round
from services.scanner.adapters.sharing import Sharing
from services.scanner.adapters.targets import Targets
from services.scanner.adapters.upstream import Upstream
from services.scanner.core.optout import OptOuts

CAP, BUDGET, OPT_OUT, POLICY = "cap", "budget", "opt-out", "policy"
"""Reasons of NOT_ASKED: the site's questions are used up, its time is, somebody opted out, the
address is none that packets may go to."""

Start = Callable[[Round, int, Question], Exchange | None]


class SiteAsker:
    """Asks the questions of one site, at most so many and for so long (see `Limits`)."""

    def __init__(
        self,
        run_id: int,
        sharing: Sharing,
        limits: Limits,
        optouts: OptOuts,
        targets: Targets,
        counters: Counters,
    ) -> None:
        self._run_id = run_id
        self._sharing = sharing
        self._limits = limits
        self._optouts = optouts
        self._targets = targets
        self._counters = counters
        self._asked = 0
        self._spent = 0.0
        self._born = perf_counter()

    async def ask(
        self, questions: Sequence[Question], *, checking_disabled: bool = False
    ) -> list[list[Lookup]]:
        """The lookups of each question, in order; a second one where SERVFAIL was asked again
        with CD=1. What the budget does not allow is NOT_ASKED."""

        def start(group: Round, place: int, question: Question) -> Exchange | None:
            key = (self._run_id, question, checking_disabled)
            return self._sharing.ask(key, group, place)

        refused = partial(not_asked, checking_disabled=checking_disabled)
        return await self._ask(questions, start, refused)

    async def ask_server(self, address: str, questions: Sequence[Question]) -> list[list[Lookup]]:
        """The same of the name server at a published address, without recursion and shared with
        nobody. Where packets may not go, or its network opted out, it is NOT_ASKED."""
        refused = partial(not_asked, checking_disabled=False, server=address)
        place = self._targets.place(address)
        if place is None:
            return [[refused(question, POLICY)] for question in questions]
        if self._optouts.covers_address(address):
            return [[refused(question, OPT_OUT)] for question in questions]
        upstream = Upstream([place], replace(self._limits, sockets=1), self._counters)

        def start(group: Round, place: int, question: Question) -> Exchange:
            done = partial(group.fill, place)
            exchange = Exchange(upstream, question, False, done, server=address)
            exchange.submit()
            return exchange

        try:
            return await self._ask(questions, start, refused)
        finally:
            upstream.close()

    async def _ask(
        self,
        questions: Sequence[Question],
        start: Start,
        refused: Callable[[Question, str], Lookup],
    ) -> list[list[Lookup]]:
        group = Round(len(questions))
        for place, question in enumerate(questions):
            refusal = self._refusal(question)
            if not refusal:
                try:
                    exchange = start(group, place, question)
                except (BadNameError, BadTypeError) as error:
                    refusal = str(error)
                else:
                    if exchange is not None:
                        group.exchanges.append(exchange)
            if refusal:
                group.fill(place, [refused(question, refusal)])
        if group.missing:
            await self._wait(group)
        return [
            lookups or [refused(question, BUDGET)]
            for question, lookups in zip(questions, group.results, strict=True)
        ]

    def _refusal(self, question: Question) -> str:
        self._asked += 1
        if self._asked > self._limits.site_questions:
            return CAP
        if self._spent >= self._limits.site_seconds:
            return BUDGET
        return OPT_OUT if self._optouts.covers(question.name) else ""

    async def _wait(self, group: Round) -> None:
        self._watch(group)
        try:
            await group.finished
        finally:
            if group.timer is not None:
                group.timer.cancel()
            self._spent += group.seconds()

    def _watch(self, group: Round) -> None:
        """End the round when the budget is used up; until its first question is sent, only its
        age counts."""
        left = min(
            self._limits.site_seconds - self._spent - group.seconds(),
            self._born + self._limits.site_age - perf_counter(),
        )
        if left > 0:
            group.timer = group.loop.call_later(left, self._watch, group)
        elif not group.finished.done():
            group.finished.set_result(None)
