"""Lookups from what came back, or from why nothing did."""

from dataclasses import replace
from time import time_ns
from typing import Protocol

from services.common.dns.lookup import Lookup, Question
from services.common.dns.observe import RESOLVER, said
from services.common.dns.status import Status


class Course(Protocol):
    """What was tried for one lookup so far."""

    question: Question
    server: str
    checking_disabled: bool
    attempts: int


def answered(course: Course, response: bytes, transport: str, seconds: float) -> Lookup:
    """The lookup that a response ends, `seconds` after its query."""
    question = course.question
    seen = said(question, response, course.server)
    return Lookup(
        question.name,
        question.rdtype,
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


def unanswered(course: Course, status: Status, reason: str, seconds: float = 0.0) -> Lookup:
    """The lookup of a question that was sent and got no response."""
    lookup = not_asked(course.question, reason, course.checking_disabled, course.server)
    return replace(
        lookup,
        transport="udp",
        status=status,
        attempts=course.attempts,
        rtt=int(seconds * 1_000_000),
    )


def not_asked(
    question: Question, reason: str, checking_disabled: bool, server: str = RESOLVER
) -> Lookup:
    return Lookup(
        question.name,
        question.rdtype,
        server=server,
        transport="",
        status=Status.NOT_ASKED,
        reason=reason,
        checking_disabled=checking_disabled,
        flags=0,
        ede=None,
        attempts=0,
        received_at=time_ns() // 1000,
        rtt=0,
        response=b"",
        response_size=0,
        response_sha256=b"",
    )
