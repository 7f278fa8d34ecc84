"""Lookups from what came back, or from why nothing did."""

from time import time_ns
from typing import Protocol

from services.common.dns.lookup import Lookup, Question
from services.common.dns.observe import RESOLVER, said
from services.common.dns.status import Status


class Course(Protocol):
    """What was tried for one lookup so far."""

    question: Question
    checking_disabled: bool
    attempts: int


def answered(course: Course, response: bytes, transport: str, seconds: float) -> Lookup:
    """The lookup that a response ends, `seconds` after its query."""
    question = course.question
    seen = said(question, response)
    return Lookup(
        question.name,
        question.rdtype,
        RESOLVER,
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


def unanswered(course: Course, status: Status, reason: str, seconds: float = 0.0) -> Lookup:
    """The lookup of a question that was sent and got no response."""
    return _empty(
        course.question, status, reason, course.checking_disabled, "udp", course.attempts, seconds
    )


def not_asked(question: Question, reason: str, checking_disabled: bool) -> Lookup:
    return _empty(question, Status.NOT_ASKED, reason, checking_disabled)


def _empty(
    question: Question,
    status: Status,
    reason: str,
    checking_disabled: bool,
    transport: str = "",
    attempts: int = 0,
    seconds: float = 0.0,
) -> Lookup:
    return Lookup(
        question.name,
        question.rdtype,
        server=RESOLVER,
        transport=transport,
        status=status,
        reason=reason,
        checking_disabled=checking_disabled,
        flags=0,
        ede=None,
        attempts=attempts,
        received_at=time_ns() // 1000,
        rtt=int(seconds * 1_000_000),
        response=b"",
        response_size=0,
        response_sha256=b"",
    )
