"""Questions of many sites, asked of the configured resolvers within each site's budget."""

import asyncio
from collections.abc import Sequence
from time import perf_counter

from services.common.dns.lookup import Lookup, Question
from services.common.dns.names import BadNameError
from services.common.dns.rdtypes import BadTypeError
from services.scanner.adapters.counters import Counters
from services.scanner.adapters.endpoints import Endpoint
from services.scanner.adapters.evidence import not_asked
from services.scanner.adapters.exchange import Exchange
from services.scanner.adapters.limits import Limits
from services.scanner.adapters.sharing import Key, Sharing
from services.scanner.adapters.upstream import Upstream
from services.scanner.core.optout import NONE, OptOuts

CAP, BUDGET, OPT_OUT = "cap", "budget", "opt-out"
"""Reasons of NOT_ASKED: the site's questions are used up, its time is, somebody opted out."""


class Resolver:
    """Made inside a running event loop. One per process: all sites share its answers."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        limits: Limits | None = None,
        optouts: OptOuts = NONE,
    ) -> None:
        self.limits = limits or Limits()
        self.counters = Counters()
        self.optouts = optouts
        self._upstream = Upstream(endpoints, self.limits, self.counters)
        self.sharing = Sharing(self._upstream)

    def for_site(self, run_id: int) -> "SiteAsker":
        """An asker with a fresh budget that shares answers with the others of its run."""
        return SiteAsker(self, run_id)

    def close(self) -> None:
        """Nothing more is sent; questions still under way are never answered."""
        self._upstream.close()


class SiteAsker:
    """Asks the questions of one site, at most so many and for so long (see `Limits`)."""

    def __init__(self, resolver: Resolver, run_id: int) -> None:
        self._resolver = resolver
        self._limits = resolver.limits
        self._run_id = run_id
        self._asked = 0
        self._spent = 0.0
        self._born = perf_counter()

    async def ask(
        self, questions: Sequence[Question], *, checking_disabled: bool = False
    ) -> list[list[Lookup]]:
        """The lookups of each question, in order; a second one where SERVFAIL was asked again
        with CD=1. What the budget does not allow is NOT_ASKED."""
        group = _Round(len(questions))
        for place, question in enumerate(questions):
            refusal = self._refusal(question)
            if not refusal:
                key = (self._run_id, question, checking_disabled)
                refusal = self._start(group, place, key)
            if refusal:
                group.fill(place, [not_asked(question, refusal, checking_disabled)])
        if group.missing:
            await self._wait(group)
        return [
            lookups or [not_asked(question, BUDGET, checking_disabled)]
            for question, lookups in zip(questions, group.results, strict=True)
        ]

    def _refusal(self, question: Question) -> str:
        self._asked += 1
        if self._asked > self._limits.site_questions:
            return CAP
        if self._spent >= self._limits.site_seconds:
            return BUDGET
        return OPT_OUT if self._resolver.optouts.covers(question.name) else ""

    def _start(self, group: "_Round", place: int, key: Key) -> str:
        try:
            exchange = self._resolver.sharing.ask(key, group, place)
        except (BadNameError, BadTypeError) as error:
            return str(error)
        if exchange is not None:
            group.exchanges.append(exchange)
        return ""

    async def _wait(self, group: "_Round") -> None:
        self._watch(group)
        try:
            await group.finished
        finally:
            if group.timer is not None:
                group.timer.cancel()
            self._spent += group.seconds()

    def _watch(self, group: "_Round") -> None:
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


class _Round:
    """Questions asked together: one future for all of them."""

    __slots__ = ("exchanges", "finished", "loop", "missing", "results", "timer")

    def __init__(self, size: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.finished: asyncio.Future[None] = self.loop.create_future()
        self.results: list[list[Lookup]] = [[]] * size
        self.missing = size
        self.exchanges: list[Exchange] = []
        self.timer: asyncio.TimerHandle | None = None

    def fill(self, place: int, lookups: list[Lookup]) -> None:
        self.results[place] = lookups
        self.missing -= 1
        if not self.missing and not self.finished.done():
            self.finished.set_result(None)

    def seconds(self) -> float:
        """Since the first of its questions was sent."""
        started = min((e.started for e in self.exchanges if e.started), default=None)
        return 0.0 if started is None else perf_counter() - started
