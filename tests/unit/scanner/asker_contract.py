"""What the scanner may expect of an Asker, whoever it is: the world of the tests and the resolver
must both keep it.
"""

from services.common.dns.lookup import Question
from services.common.dns.observe import observe
from services.common.dns.status import Status
from services.scanner.handler import Asker
from tests.unit.scanner.world import SITE

ENDS = {
    Question("site.test", "MX"): Status.ANSWERED,
    Question("site.test", "CAA"): Status.NODATA,
    Question("gone.test", "SOA"): Status.NXDOMAIN,
    Question("www.site.test", "TXT"): Status.ANSWERED,
    Question("site.elsewhere", "SOA"): Status.SERVFAIL,
}
RECORDS = {**SITE, ("www.site.test", "CNAME"): ["site.test."]}


async def check_asker(asker: Asker) -> None:
    """`asker` asks a world of RECORDS."""
    assert await asker.ask([]) == []
    questions = [*ENDS, *ENDS]
    answers = await asker.ask(questions)
    assert len(answers) == len(questions)
    for question, lookups in zip(questions, answers, strict=True):
        assert lookups
        for lookup in lookups:
            assert lookup.question == question
            assert lookup.server == "resolver"
            assert lookup.response_size == len(lookup.response) > 0
            assert lookup.attempts >= 1
            assert lookup.transport in ("udp", "tcp")
        assert lookups[0].status is ENDS[question]
        assert observe(question, lookups).status is ENDS[question]
    seen = [
        observe(question, lookups) for question, lookups in zip(questions, answers, strict=True)
    ]
    assert seen[: len(ENDS)] == seen[len(ENDS) :]
