"""A regrade: each request decoded once and judged by every chosen grader."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.common.messages.envelope import Incoming, InvalidError, Outgoing
from services.common.messages.grade_request import GradeRequestReader
from services.grader.core.verdict import Grader
from services.grader.handler.judge import Judgement, References, judge, possible


@dataclass(frozen=True, slots=True)
class Failed:
    """What a grader could not judge; `domain` is "" where the request cannot be decoded."""

    grader: str
    incoming: Incoming
    domain: str
    reason: str


class Store(Protocol):
    def __call__(self, judgements: Sequence[Judgement], failed: Sequence[Failed], /) -> None:
        """Store all in one transaction, with what they change. Raises InvalidError, BrokenError."""


class RegradeHandler:
    """Judges requests with several graders. What one of them cannot judge is noted as failed and
    keeps nothing else from being judged."""

    def __init__(self, graders: Sequence[Grader], references: References, store: Store) -> None:
        self._graders = graders
        self._references = references
        self._store = store
        self._reader = GradeRequestReader(tuple(grader.name for grader in graders))

    def __call__(self, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        """Raises InvalidError where the store refuses a judgement, BrokenError."""
        judgements: list[Judgement] = []
        failed: list[Failed] = []
        for incoming in batch:
            for said in self._judge(incoming):
                if isinstance(said, Failed):
                    failed.append(said)
                else:
                    judgements.append(said)
        self._store(judgements, failed)
        return ()

    def refuse(self, incoming: Incoming, fault: InvalidError) -> None:
        """Note a message as failed of which the store refuses a judgement. Raises BrokenError."""
        try:
            domain = self._reader.decode(incoming.value).domain
        except InvalidError:
            domain = ""
        self._store((), [self._failed(grader, incoming, domain, fault) for grader in self._graders])

    def _judge(self, incoming: Incoming) -> Iterator[Judgement | Failed]:
        try:
            request = possible(self._reader, incoming)
        except InvalidError as fault:
            yield from (self._failed(grader, incoming, "", fault) for grader in self._graders)
            return
        for grader in self._graders:
            try:
                yield judge(request, grader, self._references)
            except InvalidError as fault:
                yield self._failed(grader, incoming, request.domain, fault)

    @staticmethod
    def _failed(grader: Grader, incoming: Incoming, domain: str, fault: InvalidError) -> Failed:
        return Failed(grader.name, incoming, domain, str(fault))
