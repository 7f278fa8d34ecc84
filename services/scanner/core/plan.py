"""What to ask next about a site: the union of what every family wants to know."""

from dataclasses import dataclass

from services.common.dns.lookup import Question
from services.common.dns.names import is_subdomain
from services.common.questions import basics, dmarc, mx, spf
from services.common.questions.answers import Answers

MAX_QUESTIONS = 1000
"""Questions a site is ever asked or recorded as not asked, whatever its zone says."""

USUAL_QUESTIONS = 200
"""Questions a site is asked in a run, unless configured otherwise."""


@dataclass(frozen=True, slots=True)
class Round:
    """The next questions, in an order that follows from the answers alone. `beyond` are those
    that the site's cap leaves unasked."""

    ask: tuple[Question, ...]
    beyond: tuple[Question, ...]

    def __bool__(self) -> bool:
        return bool(self.ask or self.beyond)


def next_round(domain: str, secret: bytes, known: Answers, cap: int = USUAL_QUESTIONS) -> Round:
    """The questions of the next round; none once all that the families want is known. The asked
    and the left out together never exceed MAX_QUESTIONS."""
    missing = next_questions(domain, secret, known)[: MAX_QUESTIONS - len(known)]
    room = max(cap - len(known), 0)
    return Round(tuple(missing[:room]), tuple(missing[room:]))


def next_questions(domain: str, secret: bytes, known: Answers) -> list[Question]:
    """What is wanted and not known, each once. Of a name that does not exist nothing is asked
    but the DMARC records above it, which hold for it too."""
    wanted = basics.wanted(domain, secret, known)
    if basics.may_exist(domain, known):
        wanted += spf.wanted(domain, known)
        wanted += dmarc.wanted(domain, known)
        wanted += mx.wanted(domain, known)
    elif known:
        wanted += [q for q in dmarc.wanted(domain, known) if not is_subdomain(q.name, domain)]
    return [question for question in dict.fromkeys(wanted) if question not in known]
