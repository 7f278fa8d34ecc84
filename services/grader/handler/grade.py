"""The grader service: a batch of requests judged by one grader."""

from collections.abc import Sequence
from typing import Protocol

from services.common.messages.envelope import Incoming, Outgoing
from services.common.messages.grade_request import GradeRequestReader
from services.grader.core.verdict import Grader
from services.grader.handler.judge import Judgement, References, judge, possible


class Store(Protocol):
    def __call__(self, judgements: Sequence[Judgement], /) -> None:
        """Store all in one transaction. Raises InvalidError, BrokenError."""


class GradeHandler:
    """Judges requests with one grader."""

    def __init__(self, grader: Grader, references: References, store: Store) -> None:
        self._grader = grader
        self._references = references
        self._store = store
        self._reader = GradeRequestReader((grader.name,))

    def __call__(self, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        """Raises InvalidError where a message of the batch can never be graded, BrokenError."""
        self._store([self._judge(incoming) for incoming in batch])
        return ()

    def _judge(self, incoming: Incoming) -> Judgement:
        return judge(possible(self._reader, incoming), self._grader, self._references)
