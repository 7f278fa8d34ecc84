import asyncio
import socket
from dataclasses import replace

import pytest

from services.common.dns.lookup import Lookup, Question
from services.common.dns.observe import observe
from services.common.dns.status import Status
from services.common.dns.wire import UNKNOWN_EDE
from services.scanner.adapters.endpoints import Endpoint
from services.scanner.adapters.limits import Limits
from services.scanner.adapters.resolver import Resolver
from services.scanner.core.optout import OptOuts
from tests.ports import bound_pair
from tests.unit.scanner.adapters.servers import (
    Behaviour,
    address,
    ede,
    has_cd,
    has_edns,
    reply,
    run,
    server,
)

QUESTION = Question("a.example", "A")
QUICK = Limits(timeout=5.0, tries=3, tcp_timeout=5.0, patience=0.02)
PATIENT = replace(QUICK, tries=4)
IMPATIENT = replace(QUICK, timeout=0.2, tcp_timeout=0.2)
"""For servers that stay silent."""


async def ask(
    *endpoints: Endpoint,
    questions: tuple[Question, ...] = (QUESTION,),
    limits: Limits = QUICK,
    checking_disabled: bool = False,
) -> tuple[list[list[Lookup]], Resolver]:
    resolver = Resolver(endpoints, limits)
    try:
        asker = resolver.for_site(1)
        return await asker.ask(questions, checking_disabled=checking_disabled), resolver
    finally:
        resolver.close()


def of(
    behaviour: Behaviour,
    over_tcp: Behaviour | None = None,
    *,
    pause: float = 0.0,
    limits: Limits = QUICK,
) -> tuple[list[Lookup], Resolver]:
    """The lookups of one question to a server that behaves like this."""

    async def talk() -> tuple[list[Lookup], Resolver]:
        async with server(behaviour, over_tcp, pause=pause) as upstream:
            (lookups,), resolver = await ask(upstream.endpoint, limits=limits)
            return lookups, resolver

    return run(talk())


def framed(response: bytes) -> bytes:
    return len(response).to_bytes(2) + response


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_records_everything_about_a_lookup(host: str) -> None:
    async def talk() -> tuple[Lookup, bytes]:
        async with server(host=host) as upstream:
            ((lookup,),), _ = await ask(upstream.endpoint)
            return lookup, upstream.udp[0]

    lookup, query = run(talk())
    assert lookup.question == QUESTION
    assert (lookup.server, lookup.transport, lookup.status) == ("resolver", "udp", Status.ANSWERED)
    assert (lookup.flags, lookup.ede, lookup.attempts) == (0x8180, None, 1)
    assert lookup.response[2:] == reply(b"id" + query, address=b"\xc0\0\2\1")[2:]
    assert lookup.response_size == len(lookup.response)
    assert 0 < lookup.rtt < 1_000_000
    assert lookup.received_at > 1_700_000_000_000_000
    assert observe(QUESTION, [lookup]).rdata == ("192.0.2.1",)


def test_answers_in_the_order_of_the_questions() -> None:
    questions = tuple(Question(f"n{n}.example", "A") for n in range(50))

    async def talk() -> list[list[Lookup]]:
        async with server() as upstream:
            results, _ = await ask(upstream.endpoint, questions=questions)
            return results

    results = run(talk())
    assert [lookup.question for (lookup,) in results] == list(questions)
    assert {lookup.status for (lookup,) in results} == {Status.ANSWERED}


def _wrong_id(query: bytes) -> list[bytes]:
    return [bytes([query[0] ^ 1]) + reply(query, rcode=3)[1:], *address(query)]


def _wrong_question(query: bytes) -> list[bytes]:
    return [reply(query.replace(b"\x01a", b"\x01b"), rcode=3), *address(query)]


def _wrong_type(query: bytes) -> list[bytes]:
    return [reply(query.replace(b"\0\1\0\1", b"\0\2\0\1"), rcode=3), *address(query)]


def _a_query(query: bytes) -> list[bytes]:
    return [query, *address(query)]


def _noise(query: bytes) -> list[bytes]:
    return [b"\0", query[:2], query[:11], b"\xff" * 40, *address(query)]


@pytest.mark.parametrize(
    ("behaviour", "strays"),
    [(_wrong_id, 1), (_wrong_question, 1), (_wrong_type, 1), (_a_query, 1), (_noise, 4)],
)
def test_what_answers_something_else_is_dropped_and_counted(
    behaviour: Behaviour, strays: int
) -> None:
    (lookup,), resolver = of(behaviour)
    assert (lookup.status, lookup.attempts) == (Status.ANSWERED, 1)
    assert resolver.counters.stray == strays


def test_the_case_of_the_question_does_not_matter() -> None:
    (lookup,), _ = of(lambda query: address(query.replace(b"example", b"ExAmPlE")))
    assert lookup.status is Status.ANSWERED


def test_a_body_that_cannot_be_read_is_evidence_but_not_observed() -> None:
    (lookup,), _ = of(lambda query: [reply(query, address=b"\xc0\0\2\1")[:-2]])
    assert lookup.status is Status.NETWORK
    assert lookup.reason.startswith("malformed response")
    assert lookup.response


def test_silence_is_tried_again_with_another_id_and_then_a_timeout() -> None:
    (lookup,), resolver = of(lambda _: [], limits=IMPATIENT)
    assert (lookup.status, lookup.attempts, lookup.rtt) == (Status.TIMEOUT, 3, 200_000)
    assert (resolver.counters.sent, resolver.counters.timeouts) == (3, 3)


def test_after_silence_the_next_resolver_is_asked() -> None:
    async def talk() -> tuple[list[Lookup], int, int]:
        async with server(lambda _: []) as silent, server() as good:
            results, _ = await ask(
                silent.endpoint,
                good.endpoint,
                questions=(QUESTION, Question("b.example", "A")),
                limits=IMPATIENT,
            )
            return [lookup for (lookup,) in results], len(silent.udp), len(good.udp)

    lookups, silent, good = run(talk())
    assert {lookup.status for lookup in lookups} == {Status.ANSWERED}
    assert sorted(lookup.attempts for lookup in lookups) == [1, 2]
    assert (silent, good) == (1, 2)


def test_a_late_answer_is_a_stray() -> None:
    first: list[bytes] = []

    def late(query: bytes) -> list[bytes]:
        if not first:
            first.append(query)
            return []
        return [*address(first[0]), *address(query)]

    (lookup,), resolver = of(late, limits=IMPATIENT)
    assert (lookup.status, lookup.attempts) == (Status.ANSWERED, 2)
    assert resolver.counters.stray == 1


def test_nobody_listening_is_a_network_failure_sooner_than_a_timeout() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    limits = replace(QUICK, timeout=30.0)
    ((lookup,),), resolver = run(ask(Endpoint("127.0.0.1", port), limits=limits))
    assert (lookup.status, lookup.attempts) == (Status.NETWORK, 3)
    assert lookup.reason == "Connection refused"
    assert resolver.counters.timeouts == 0


def test_a_resolver_that_comes_back_is_heard_again() -> None:
    limits = replace(QUICK, tries=1, sockets=1)

    async def talk() -> list[Status]:
        udp, tcp = bound_pair()
        address = Endpoint(*udp.getsockname())
        udp.close()
        resolver = Resolver([address], limits)
        ((away,),) = await resolver.for_site(1).ask([QUESTION])
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(tuple(address))
        async with server(ports=(udp, tcp)):
            ((back,),) = await resolver.for_site(2).ask([QUESTION])
        resolver.close()
        return [away.status, back.status]

    assert run(talk()) == [Status.NETWORK, Status.ANSWERED]


@pytest.mark.parametrize("rcode", [1, 4])
@pytest.mark.parametrize("bare", [False, True])
def test_what_is_refused_with_edns_is_asked_without(rcode: int, bare: bool) -> None:
    def old(query: bytes) -> list[bytes]:
        if has_edns(query):
            full = reply(query, rcode=rcode)
            return [full[:4] + bytes(8) if bare else full]
        return address(query)

    (lookup,), _ = of(old)
    assert (lookup.status, lookup.attempts) == (Status.ANSWERED, 2)


def test_what_is_refused_without_edns_too_stays_so() -> None:
    (lookup,), resolver = of(lambda query: [reply(query, rcode=1)])
    assert (lookup.status, resolver.counters.sent) == (Status.FORMERR, 2)


def test_servfail_is_asked_again_without_validation_and_both_are_kept() -> None:
    def bogus(query: bytes) -> list[bytes]:
        return address(query) if has_cd(query) else [reply(query, rcode=2, more=ede(6))]

    lookups, resolver = of(bogus)
    assert [lookup.status for lookup in lookups] == [Status.SERVFAIL, Status.ANSWERED]
    assert [lookup.checking_disabled for lookup in lookups] == [False, True]
    assert lookups[0].ede == 6
    assert observe(QUESTION, lookups).status is Status.BOGUS
    assert resolver.counters.sent == 2


def test_a_world_that_does_not_know_is_asked_once() -> None:
    lookups, resolver = of(lambda query: [reply(query, rcode=2, more=ede(UNKNOWN_EDE))])
    assert [lookup.status for lookup in lookups] == [Status.UNKNOWN]
    assert resolver.counters.sent == 1


def test_asks_without_validation_where_told() -> None:
    async def talk() -> tuple[list[Lookup], bytes]:
        async with server(lambda query: [reply(query, rcode=2)]) as upstream:
            (lookups,), _ = await ask(upstream.endpoint, checking_disabled=True)
            (query,) = upstream.udp
            return lookups, query

    (lookup,), query = run(talk())
    assert lookup.checking_disabled
    assert has_cd(b"id" + query)


def _truncated(query: bytes) -> list[bytes]:
    return [reply(query, tc=True)]


def test_truncation_is_followed_over_tcp() -> None:
    (lookup,), resolver = of(_truncated, lambda query: [framed(address(query)[0])])
    assert (lookup.status, lookup.transport, lookup.attempts) == (Status.ANSWERED, "tcp", 2)
    assert resolver.counters.tcp == 1


def test_a_datagram_larger_than_asked_for_is_truncation_too() -> None:
    (lookup,), _ = of(
        lambda query: [address(query)[0] + bytes(5000)],
        lambda query: [framed(address(query)[0])],
    )
    assert lookup.transport == "tcp"


@pytest.mark.parametrize(
    "over_tcp",
    [
        pytest.param(None, id="nobody listens"),
        pytest.param(lambda _: [], id="closes at once"),
        pytest.param(lambda query: [framed(address(query)[0])[:20]], id="closes half-way"),
        pytest.param(lambda query: [framed(b"xx" + address(query)[0][2:])], id="wrong id"),
        pytest.param(lambda query: [framed(query)], id="a query"),
        pytest.param(lambda _: [b"\0\0"], id="empty"),
        pytest.param(lambda query: [framed(reply(query, tc=True))], id="truncated again"),
    ],
)
def test_what_tcp_does_not_bring_stays_truncated(over_tcp: Behaviour | None) -> None:
    (lookup,), _ = of(_truncated, over_tcp)
    assert lookup.status is Status.TRUNCATED
    assert lookup.response[2] & 0x02


def test_tcp_is_tried_again() -> None:
    answers = iter([[], [b"\0\0"]])
    (lookup,), resolver = of(
        _truncated, lambda query: next(answers, [framed(address(query)[0])]), limits=PATIENT
    )
    assert (lookup.status, lookup.transport, lookup.attempts) == (Status.ANSWERED, "tcp", 4)
    assert resolver.counters.tcp == 3


def test_a_trickle_over_tcp_ends_at_the_deadline() -> None:
    def trickle(query: bytes) -> list[bytes]:
        return [bytes([byte]) for byte in framed(address(query)[0])]

    (lookup,), _ = of(_truncated, trickle, pause=0.05, limits=IMPATIENT)
    assert (lookup.status, lookup.transport) == (Status.TRUNCATED, "udp")


def test_a_question_that_cannot_be_written_is_not_asked() -> None:
    async def talk() -> list[list[Lookup]]:
        async with server() as upstream:
            questions = (Question("a..b", "A"), Question("a.example", "NOPE"), QUESTION)
            results, _ = await ask(upstream.endpoint, questions=questions)
            return results

    results = [lookup for (lookup,) in run(talk())]
    assert [lookup.status for lookup in results[:2]] == [Status.NOT_ASKED] * 2
    assert results[0].reason == "'a..b' has an empty label"
    assert results[1].reason == "'NOPE' is no record type"
    assert results[2].status is Status.ANSWERED


def test_an_opted_out_subtree_is_not_asked() -> None:
    async def talk() -> tuple[list[list[Lookup]], int]:
        async with server() as upstream:
            optouts = OptOuts(domains=frozenset({"out.example"}))
            resolver = Resolver([upstream.endpoint], QUICK, optouts)
            names = ("out.example", "_dmarc.out.example", "about.example")
            asked = await resolver.for_site(1).ask([Question(name, "A") for name in names])
            resolver.close()
            return asked, len(upstream.udp)

    results, sent = run(talk())
    assert [lookup.reason for (lookup,) in results] == ["opt-out", "opt-out", ""]
    assert sent == 1


def test_no_more_questions_than_the_site_may_ask() -> None:
    limits = replace(QUICK, site_questions=3)
    questions = [Question(f"n{n}.example", "A") for n in range(2)]

    async def talk() -> list[str]:
        async with server() as upstream:
            resolver = Resolver([upstream.endpoint], limits)
            asker, other = resolver.for_site(1), resolver.for_site(1)
            results = await asker.ask(questions) + await asker.ask(questions)
            results += await other.ask(questions)
            resolver.close()
            return [lookup.reason for (lookup,) in results]

    assert run(talk()) == ["", "", "", "cap", "", ""]


def test_no_longer_than_the_site_may_take() -> None:
    limits = replace(QUICK, timeout=30.0, site_seconds=0.1)

    async def talk() -> list[list[Lookup]]:
        async with server(lambda _: []) as upstream:
            resolver = Resolver([upstream.endpoint], limits)
            asker = resolver.for_site(1)
            results = await asker.ask([QUESTION]) + await asker.ask([Question("b.example", "A")])
            resolver.close()
            return results

    for (lookup,) in run(talk()):
        assert (lookup.status, lookup.reason) == (Status.NOT_ASKED, "budget")


def test_waiting_for_its_turn_costs_a_site_only_its_age() -> None:
    limits = replace(QUICK, timeout=30.0, burst=1, patience=30.0, site_seconds=0.1, site_age=0.3)

    async def talk() -> tuple[list[Lookup], list[Lookup], float]:
        async with server(lambda _: []) as upstream:
            resolver = Resolver([upstream.endpoint], limits)
            loop = asyncio.get_running_loop()
            begun = loop.time()
            first = asyncio.create_task(resolver.for_site(1).ask([QUESTION]))
            await asyncio.sleep(0)
            ((second,),) = [await resolver.for_site(1).ask([Question("b.example", "A")])]
            took = loop.time() - begun
            ((one,),) = [await first]
            resolver.close()
            return one, second, took

    first, second, took = run(talk())
    assert [lookup.reason for lookup in first + second] == ["budget", "budget"]
    assert took >= 0.29


def test_a_burst_waits_until_what_is_under_way_is_answered_or_old() -> None:
    limits = replace(IMPATIENT, burst=5)
    questions = [Question(f"n{n}.example", "A") for n in range(40)]
    received: list[bytes] = []

    def slow(query: bytes) -> list[bytes]:
        received.append(query)
        return address(query) if len(received) > 5 else []

    async def talk() -> tuple[list[list[Lookup]], int]:
        async with server(slow) as upstream:
            resolver = Resolver([upstream.endpoint], limits)
            asking = asyncio.create_task(resolver.for_site(1).ask(questions))
            await asyncio.sleep(0)
            early = resolver.counters.sent
            results = await asking
            resolver.close()
            return results, early

    results, early = run(talk())
    assert early == 5
    assert {lookup.status for (lookup,) in results} == {Status.ANSWERED}


def test_ports_change_and_ids_are_not_guessable() -> None:
    limits = replace(QUICK, sockets=2, socket_life=10)
    seen: set[bytes] = set()

    def behaviour(query: bytes) -> list[bytes]:
        seen.add(query[:2])
        return address(query)

    async def talk() -> None:
        async with server(behaviour) as upstream:
            resolver = Resolver([upstream.endpoint], limits)
            asker = resolver.for_site(1)
            for n in range(100):
                (((lookup),),) = [await asker.ask([Question(f"n{n}.example", "A")])]
                assert lookup[0].status is Status.ANSWERED
            resolver.close()

    run(talk())
    assert len(seen) > 90


def test_a_cancelled_site_leaves_the_others_alone() -> None:
    async def talk() -> list[list[Lookup]]:
        async with server() as upstream:
            resolver = Resolver([upstream.endpoint], QUICK)
            gone = asyncio.create_task(resolver.for_site(1).ask([QUESTION]))
            stays = asyncio.create_task(resolver.for_site(1).ask([QUESTION]))
            await asyncio.sleep(0)
            gone.cancel()
            results = await stays
            resolver.close()
            return results

    ((lookup,),) = run(talk())
    assert lookup.status is Status.ANSWERED
