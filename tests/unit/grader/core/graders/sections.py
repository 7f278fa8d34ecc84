"""Sections for properties of graders: whatever a closure asks, answered by a function."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from services.common.dns.lookup import Observation, Question
from services.common.dns.status import Status
from services.grader.core.verdict import Section

Answer = Callable[[Question], Observation]
Wanted = Callable[[str, Mapping[Question, Observation]], list[Question]]


def section(domain: str, wanted: Wanted, answer: Answer) -> Section:
    """What a run would have put together: the closure, asked round by round."""
    known: dict[Question, Observation] = {}
    while True:
        questions = wanted(domain, known)
        if all(question in known for question in questions):
            return Section(domain, 0, {question: known[question] for question in questions})
        known |= {question: answer(question) for question in questions}


def backwards(section: Section) -> Section:
    """The same observations, with everything in the opposite order."""
    turned = [replace(seen, rdata=seen.rdata[::-1]) for seen in section.observations.values()]
    return replace(section, observations={seen.question: seen for seen in reversed(turned)})


def hidden(answer: Answer, hide: Callable[[Question], bool], status: Status) -> Answer:
    """The same answers, but for some questions that were not observed."""
    return lambda question: Observation(*question, status) if hide(question) else answer(question)
