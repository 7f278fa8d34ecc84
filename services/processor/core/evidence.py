"""The evidence of one site, read once."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from services.common.dns.lookup import Lookup, Observation, Question
from services.common.dns.observe import RESOLVER, observe
from services.common.dns.status import ABSENT, Status
from services.common.questions.answers import Answers, observations


class Evidence:
    """What the resolver said about a site. What lies below a site that does not exist is absent,
    what was never asked is NOT_ASKED."""

    def __init__(self, domain: str, lookups: Iterable[Lookup]) -> None:
        """Raises ValueError for a lookup that no scanner can have made."""
        self.domain = domain
        self.lookups: Counter[str] = Counter()
        by_question: defaultdict[Question, list[Lookup]] = defaultdict(list)
        for lookup in lookups:
            self.lookups[lookup.status] += 1
            if lookup.server == RESOLVER:
                by_question[lookup.question].append(lookup)
        self.known: Answers = {
            question: observe(question, asked) for question, asked in by_question.items()
        }

    def get(self, name: str, rdtype: str) -> Observation:
        return self.section([Question(name, rdtype)])[0]

    def section(self, questions: Iterable[Question]) -> tuple[Observation, ...]:
        return observations(self.domain, questions, self.known)

    @property
    def exists(self) -> bool:
        """Nobody said that the site's name does not exist."""
        return self.get(self.domain, "SOA").status is not Status.NXDOMAIN


def readable(seen: Observation) -> bool:
    """Its rdata is what the zone says: records, or proof that there are none. BOGUS is neither."""
    return seen.answered or seen.status in ABSENT
