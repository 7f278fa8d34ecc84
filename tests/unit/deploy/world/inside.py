"""The pipeline's pure parts over a world, without sockets: from a domain to its grades."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import dns.flags
import dns.message

from deploy.local.world.model import World
from deploy.local.world.respond import Query, assemble, parse, recursive
from services.common.dns.lookup import Lookup, Question
from services.common.dns.status import Status
from services.common.messages.scan_request import BatchSite, ScanRequest
from services.common.reference.load import load
from services.grader.core.catalogue import GRADERS
from services.grader.core.verdict import Graded, Section
from services.processor.core.derive import derive
from services.scanner.handler.site import Origin, SiteScanner
from tests.unit.scanner.world import answered

NOW = 1_700_000_000_000_000
SIZE = 65535


class Resolver:
    """Answers the scanner's questions from a world; asks once more with CD=1 what fails."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def ask(
        self, questions: Sequence[Question], *, checking_disabled: bool = False
    ) -> list[list[Lookup]]:
        return [self._lookups(question) for question in questions]

    def _lookups(self, question: Question) -> list[Lookup]:
        first = self._lookup(question, 0)
        if first.status is not Status.SERVFAIL:
            return [first]
        return [first, replace(self._lookup(question, dns.flags.CD), checking_disabled=True)]

    def _lookup(self, question: Question, flags: int) -> Lookup:
        response = respond(self._world, question, flags)
        if response is None:
            return replace(answered(question, b""), status=Status.TIMEOUT)
        return answered(question, response)


def packet(question: Question, flags: int = 0) -> bytes:
    query = dns.message.make_query(question.name, question.rdtype, want_dnssec=True, payload=1232)
    query.flags |= flags
    return query.to_wire()


def respond(world: World, question: Question, flags: int = 0) -> bytes | None:
    """What the world's resolver answers over TCP; None where it stays silent."""
    asked = packet(question, flags)
    query: Query = parse(asked)
    prepared = recursive(world, query)
    return None if prepared is None else assemble(asked, query, prepared, SIZE)


def grades(world: World, domain: str) -> dict[str, Graded]:
    """The verdict of every grader on a site of the world."""
    scanner = SiteScanner(
        lambda run: Resolver(world),
        clock=lambda: NOW,
        scan_id=lambda: "00000000-0000-0000-0000-000000000000",
        origin=Origin("1", "test"),
    )
    request = ScanRequest(1, 0, NOW, NOW, b"secret", "full", ())
    result = asyncio.run(scanner.scan(BatchSite(1, domain, 1), request))
    reference = load("world")
    sections = derive(result, reference).sections
    found = {}
    for name, grader in GRADERS.items():
        seen = {observation.question: observation for observation in sections[name]}
        found[name] = grader.grade(Section(domain, NOW, seen), reference)
    return found
