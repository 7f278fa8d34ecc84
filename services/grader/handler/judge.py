"""One grader's judgement of one request."""

from collections.abc import Callable
from dataclasses import dataclass

from services.common.messages.envelope import Incoming, InvalidError
from services.common.messages.grade_request import GradeRequest, GradeRequestReader
from services.common.messages.possible import check_run, check_site
from services.common.reference.bundle import Reference
from services.grader.core.evidence import evidence_hash
from services.grader.core.verdict import Graded, Grader, Section

References = Callable[[str], Reference]
"""The reference data of a name; raises ValueError where there is none."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A grade with all that it rests on."""

    request: GradeRequest
    grader: Grader
    reference: Reference
    evidence_hash: bytes
    graded: Graded


def possible(reader: GradeRequestReader, incoming: Incoming) -> GradeRequest:
    """The request in a message. Raises InvalidError for what no processor can have written."""
    request = reader.decode(incoming.value)
    check_run(incoming, request.run_id)
    check_site(request.site_id, request.domain)
    return request


def judge(request: GradeRequest, grader: Grader, references: References) -> Judgement:
    """Raises InvalidError where the grader fails or the reference data is not known."""
    try:
        reference = references(request.reference_name)
    except ValueError as error:
        raise InvalidError(f"{request.domain}: {error}") from error
    seen = {observation.question: observation for observation in request.sections[grader.name]}
    section = Section(request.domain, request.finished_at, seen)
    try:
        graded = grader.grade(section, reference)
    except Exception as error:
        raise InvalidError(
            f"grader {grader.name} version {grader.version} failed on "
            f"{request.domain}: {type(error).__name__}: {error}"
        ) from error
    return Judgement(request, grader, reference, evidence_hash(section), graded)
