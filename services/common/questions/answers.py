"""What is known about a site so far."""

from collections.abc import Iterable, Mapping

from services.common.dns.lookup import Observation, Question
from services.common.dns.names import is_subdomain
from services.common.dns.status import Status

Answers = Mapping[Question, Observation]
"""The observation of every question that was asked, or recorded as not asked."""


def observations(
    domain: str, questions: Iterable[Question], known: Answers
) -> tuple[Observation, ...]:
    """An observation for each question, in order: what is known, NXDOMAIN for what lies at or
    below a site that does not exist (RFC 8020), and else NOT_ASKED."""
    site = known.get(Question(domain, "SOA"))
    gone = site is not None and site.status is Status.NXDOMAIN
    return tuple(
        known.get(question)
        or Observation(
            *question,
            Status.NXDOMAIN if gone and is_subdomain(question.name, domain) else Status.NOT_ASKED,
        )
        for question in questions
    )
