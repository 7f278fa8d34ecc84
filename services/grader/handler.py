"""Grade requests in, grades out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.common.messages.envelope import Incoming, InvalidError, Outgoing
from services.common.messages.grade_request import GradeRequest, GradeRequestReader
from services.common.reference.bundle import Reference
from services.grader.core.evidence import evidence_hash
from services.grader.core.verdict import Graded, Grader, Section


@dataclass(frozen=True, slots=True)
class Judgement:
    """A grade with all that it rests on."""

    request: GradeRequest
    grader: Grader
    reference: Reference
    evidence_hash: bytes
    graded: Graded


class Store(Protocol):
    def __call__(self, judgements: Sequence[Judgement], /) -> None:
        """Store all in one transaction. Raises InvalidError, BrokenError."""


class GradeHandler:
    """Judges requests with one grader. `reference` gives the reference data of a name and raises
    ValueError where there is none."""

    def __init__(self, grader: Grader, reference: Callable[[str], Reference], store: Store) -> None:
        self._grader = grader
        self._reference = reference
        self._store = store
        self._reader = GradeRequestReader((grader.name,))

    def __call__(self, batch: Sequence[Incoming]) -> Sequence[Outgoing]:
        """Raises InvalidError where a message of the batch can never be graded, BrokenError."""
        self._store([self._judge(incoming) for incoming in batch])
        return ()

    def _judge(self, incoming: Incoming) -> Judgement:
        request = self._reader.decode(incoming.value)
        try:
            reference = self._reference(request.reference_name)
        except ValueError as error:
            raise InvalidError(f"{request.domain}: {error}") from error
        section = _section(request, self._grader.name)
        try:
            graded = self._grader.grade(section, reference)
        except Exception as error:
            raise InvalidError(
                f"grader {self._grader.name} version {self._grader.version} failed on "
                f"{request.domain}: {type(error).__name__}: {error}"
            ) from error
        return Judgement(request, self._grader, reference, evidence_hash(section), graded)


def _section(request: GradeRequest, grader: str) -> Section:
    seen = {observation.question: observation for observation in request.sections[grader]}
    return Section(request.domain, request.finished_at, seen)
