import asyncio
from dataclasses import replace

from services.common.dns.lookup import Lookup, Question
from services.common.dns.status import Status
from services.scanner.adapters.limits import Limits
from services.scanner.adapters.resolver import Resolver
from services.scanner.adapters.sharing import LOOKUP_BYTES
from tests.unit.scanner.adapters.servers import Behaviour, address, reply, run, server

QUESTION = Question("mx.example", "A")
QUICK = Limits(tries=1)


def asked_by_sites(
    *runs: int, behaviour: Behaviour = address, limits: Limits = QUICK, together: bool = False
) -> tuple[list[Lookup], int]:
    """The lookup that a site of each of these runs got for one question, and how many queries
    that took."""

    async def talk() -> tuple[list[Lookup], int]:
        async with server(behaviour) as upstream:
            resolver = Resolver([upstream.endpoint], limits)
            waiting = [resolver.for_site(run).ask([QUESTION]) for run in runs]
            if together:
                results = await asyncio.gather(*waiting)
            else:
                results = [await one for one in waiting]
            resolver.close()
            return [lookup for ((lookup,),) in results], len(upstream.udp)

    return run(talk())


def test_sites_of_a_run_share_an_answer_with_its_time() -> None:
    (first, second), queries = asked_by_sites(7, 7)
    assert queries == 1
    assert first == second


def test_questions_under_way_are_joined() -> None:
    lookups, queries = asked_by_sites(7, 7, 7, together=True)
    assert queries == 1
    assert {lookup.status for lookup in lookups} == {Status.ANSWERED}


def test_nothing_is_shared_between_runs() -> None:
    assert asked_by_sites(7, 8)[1] == 2
    assert asked_by_sites(7, 8, together=True)[1] == 2


def test_answers_are_kept_no_longer_than_allowed() -> None:
    assert asked_by_sites(7, 7, limits=replace(QUICK, shared_seconds=0.0))[1] == 2


def test_failures_are_kept_for_a_shorter_time() -> None:
    def refused(query: bytes) -> list[bytes]:
        return [reply(query, rcode=5)]

    brief = replace(QUICK, failure_seconds=0.0)
    assert asked_by_sites(7, 7, behaviour=refused, limits=brief)[1] == 2
    assert asked_by_sites(7, 7, behaviour=refused)[1] == 1
    assert asked_by_sites(7, 7, limits=brief)[1] == 1


def test_with_and_without_validation_are_two_questions() -> None:
    async def talk() -> int:
        async with server() as upstream:
            resolver = Resolver([upstream.endpoint], QUICK)
            await resolver.for_site(7).ask([QUESTION])
            await resolver.for_site(7).ask([QUESTION], checking_disabled=True)
            resolver.close()
            return len(upstream.udp)

    assert run(talk()) == 2


def test_what_was_not_used_for_longest_makes_room() -> None:
    room = 3 * LOOKUP_BYTES  # two lookups with their responses, not three
    a, b, c = (Question(f"{name}.example", "A") for name in "abc")

    async def talk() -> list[int]:
        async with server() as upstream:
            resolver = Resolver([upstream.endpoint], replace(QUICK, shared_bytes=room))
            asker = resolver.for_site(7)
            queries = []
            for question in (a, b, a, c, a, b):
                await asker.ask([question])
                queries.append(len(upstream.udp))
            resolver.close()
            return queries

    assert run(talk()) == [1, 2, 2, 3, 3, 4]
