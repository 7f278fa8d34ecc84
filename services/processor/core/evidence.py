"""The evidence of one site, read once."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from services.common.dns.lookup import Lookup, Observation, Question
from services.common.dns.observe import RESOLVER, observe
from services.common.dns.status import ABSENT, Status
from services.common.questions.answers import Answers, observations

MAX_TEXT = 128 * 1024
"""Characters of what the answers of a site say, so that its grade request always fits into a
message: compressed names can say a hundred times what they weigh."""

CUT = "text cap"


class Evidence:
    """What the resolver said about a site. What lies below a site that does not exist is absent,
    what was never asked is NOT_ASKED, and what says more than there is room for is TRUNCATED.

    `capped` holds the reason where that happened.
    """

    def __init__(self, domain: str, lookups: Iterable[Lookup], max_text: int = MAX_TEXT) -> None:
        """Raises ValueError for a lookup that no scanner can have made."""
        self.domain = domain
        self.lookups: Counter[str] = Counter()
        self.capped: tuple[str, ...] = ()
        by_question: defaultdict[Question, list[Lookup]] = defaultdict(list)
        for lookup in lookups:
            self.lookups[lookup.status] += 1
            if lookup.server == RESOLVER:
                by_question[lookup.question].append(lookup)
        self.known: Answers = {
            question: observe(question, asked) for question, asked in by_question.items()
        }
        if sum(map(_size, self.known.values())) > max_text:
            self.capped = (CUT,)
            self.known = _within(max_text, self.known)

    def get(self, name: str, rdtype: str) -> Observation:
        return self.section([Question(name, rdtype)])[0]

    def section(self, questions: Iterable[Question]) -> tuple[Observation, ...]:
        return observations(self.domain, questions, self.known)

    @property
    def exists(self) -> bool:
        """Nobody said that the site's name does not exist."""
        return self.get(self.domain, "SOA").status is not Status.NXDOMAIN


def _within(room: int, known: Answers) -> Answers:
    """Those that say least are kept, so that neither the order of the lookups counts nor one name
    that says too much takes the room of others."""
    kept = {}
    for seen in sorted(known.values(), key=lambda seen: (_size(seen), seen.question)):
        room -= _size(seen)
        cut = Observation(*seen.question, Status.TRUNCATED, reason=CUT)
        kept[seen.question] = seen if room >= 0 else cut
    return kept


def _size(seen: Observation) -> int:
    return sum(map(len, seen.rdata)) + sum(map(len, seen.aliases))


def readable(seen: Observation) -> bool:
    """Its rdata is what the zone says: records, or proof that there are none. BOGUS is neither."""
    return seen.answered or seen.status in ABSENT
