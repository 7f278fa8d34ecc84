"""Lookups from what came back, or from why nothing did."""

from dataclasses import dataclass
from time import time_ns

from services.common.dns.lookup import Lookup, Question
from services.common.dns.observe import RESOLVER, said
from services.common.dns.status import Status


@dataclass(slots=True)
class Course:
    """What was tried for one lookup so far."""

    question: Question
    checking_disabled: bool
    server: str = RESOLVER
    attempts: int = 0


def answered(course: Course, response: bytes, transport: str, seconds: float) -> Lookup:
    """The lookup that a response ends, `seconds` after its query."""
    seen = said(course.question, response, course.server)
    return Lookup(
        course.question.name,
        course.question.rdtype,
        course.server,
        transport,
        seen.status,
        seen.reason,
        course.checking_disabled,
        response[2] << 8 | response[3],
        seen.ede,
        course.attempts,
        time_ns() // 1000,
        int(seconds * 1_000_000),
        response,
        len(response),
        b"",
    )


def unanswered(
    course: Course, status: Status, reason: str, transport: str = "", seconds: float = 0.0
) -> Lookup:
    """The lookup of a question that got no response, or was not asked."""
    return Lookup(
        course.question.name,
        course.question.rdtype,
        course.server,
        transport,
        status,
        reason,
        course.checking_disabled,
        0,
        None,
        course.attempts,
        time_ns() // 1000,
        int(seconds * 1_000_000),
        b"",
        0,
        b"",
    )


def not_asked(question: Question, reason: str, checking_disabled: bool) -> Lookup:
    return unanswered(Course(question, checking_disabled), Status.NOT_ASKED, reason)
