"""The evidence of one site as it comes in, and what it says so far."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.common.dns.lookup import Lookup, Observation, Question
from services.common.dns.observe import RESOLVER, observe
from services.common.dns.status import Status

MAX_BYTES = 512 * 1024
"""Of all responses of a site, so that a scan result always fits into a message."""

CUT = "evidence cap"


class Evidence:
    """`lookups` in the order obtained, `known` as the processor will read them, and `capped`:
    the reason of each cap that was met, once."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.lookups: list[Lookup] = []
        self.known: dict[Question, Observation] = {}
        self._capped: dict[str, None] = {}
        self._room = max_bytes

    @property
    def capped(self) -> tuple[str, ...]:
        return tuple(self._capped)

    def add(self, question: Question, lookups: Sequence[Lookup]) -> None:
        """Keep all lookups of one question."""
        kept = [self._within_cap(lookup) for lookup in lookups]
        for lookup in kept:
            if lookup.status is Status.NOT_ASKED or lookup.reason == CUT:
                self._capped[lookup.reason] = None
        self.lookups += kept
        self.known[question] = observe(question, kept)

    def leave_out(self, questions: Iterable[Question], reason: str, at: int) -> None:
        """Record questions as not asked, for a reason, at a time (microseconds)."""
        for question in questions:
            self.add(question, [_not_asked(question, reason, at)])

    def _within_cap(self, lookup: Lookup) -> Lookup:
        """The lookup, without its response where there is no room: then nothing can be read from
        it any more, so that it counts as truncated."""
        if len(lookup.response) <= self._room:
            self._room -= len(lookup.response)
            return lookup
        return replace(
            lookup,
            status=Status.TRUNCATED,
            reason=CUT,
            response=b"",
            response_size=len(lookup.response),
            response_sha256=hashlib.sha256(lookup.response).digest(),
        )


def _not_asked(question: Question, reason: str, at: int) -> Lookup:
    return Lookup(
        name=question.name,
        rdtype=question.rdtype,
        server=RESOLVER,
        transport="",
        status=Status.NOT_ASKED,
        reason=reason,
        checking_disabled=False,
        flags=0,
        ede=None,
        attempts=0,
        received_at=at,
        rtt=0,
        response=b"",
        response_size=0,
        response_sha256=b"",
    )
