"""The engine against NSD and Unbound."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from services.common.dns.lookup import Lookup, Observation, Question
from services.common.dns.observe import observe
from services.common.dns.status import Status
from services.scanner.adapters.endpoints import Endpoint
from services.scanner.adapters.resolver import Resolver
from tests.integration.dns_servers import nsd, unbound

pytestmark = pytest.mark.services

LARGE = "v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(200)) + " -all"
STRINGS = " ".join(f'"{LARGE[at : at + 255]}"' for at in range(0, len(LARGE), 255))

ROOT = """
$TTL 300
. SOA ns.test. mail.test. 1 2 3 4 5
. NS ns.test.
test. NS ns.test.
ns.test. A 127.0.0.1
"""
ZONE = f"""
$ORIGIN good.test.
$TTL 300
@ SOA ns.good.test. mail.good.test. 7 3600 600 86400 300
@ NS ns
@ MX 10 mail
@ MX 20 mail.other.test.
@ TXT "v=spf1 mx -all"
@ TXT "one " "more"
@ CAA 0 issue "ca.example;policy=x"
ns A 127.0.0.1
mail A 192.0.2.25
mail AAAA 2001:db8::25
alias CNAME mail
dangling CNAME nowhere.good.test.
large TXT {STRINGS}
*.wild TXT "any"
"""
BOGUS = """
$ORIGIN bogus.test.
$TTL 300
@ SOA ns.bogus.test. mail.bogus.test. 7 3600 600 86400 300
@ NS ns
@ TXT "not signed"
ns A 127.0.0.1
"""
TRUST_ANCHOR = f'  trust-anchor: "bogus.test. DS 12345 13 2 {"ab" * 32}"'


@pytest.fixture(scope="module")
def resolver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    zones = {".": ROOT, "good.test": ZONE, "bogus.test": BOGUS}
    with ExitStack() as stack:
        authority = stack.enter_context(nsd(tmp_path_factory.mktemp("nsd"), zones))
        folder = tmp_path_factory.mktemp("unbound")
        yield stack.enter_context(unbound(folder, authority, TRUST_ANCHOR))


def ask(endpoint: Endpoint, *questions: Question) -> list[list[Lookup]]:
    async def run() -> list[list[Lookup]]:
        engine = Resolver([endpoint])
        try:
            return await engine.for_site(1).ask(questions)
        finally:
            engine.close()

    return asyncio.run(run())


def seen(endpoint: Endpoint, name: str, rdtype: str) -> Observation:
    question = Question(name, rdtype)
    (lookups,) = ask(endpoint, question)
    return observe(question, lookups)


@pytest.mark.parametrize(
    ("name", "rdtype", "rdata"),
    [
        ("good.test", "SOA", ("ns.good.test mail.good.test 7 3600 600 86400 300",)),
        ("good.test", "NS", ("ns.good.test",)),
        ("good.test", "MX", ("10 mail.good.test", "20 mail.other.test")),
        ("good.test", "TXT", ("one more", "v=spf1 mx -all")),
        ("good.test", "CAA", ('0 issue "ca.example;policy=x"',)),
        ("mail.good.test", "A", ("192.0.2.25",)),
        ("mail.good.test", "AAAA", ("2001:db8::25",)),
        ("x.wild.good.test", "TXT", ("any",)),
    ],
)
def test_real_answers(resolver: Endpoint, name: str, rdtype: str, rdata: tuple[str, ...]) -> None:
    found = seen(resolver, name, rdtype)
    assert found.status is Status.ANSWERED
    assert found.rdata == rdata


def test_aliases_are_followed(resolver: Endpoint) -> None:
    found = seen(resolver, "alias.good.test", "A")
    assert (found.rdata, found.aliases) == (("192.0.2.25",), ("mail.good.test",))


@pytest.mark.parametrize(
    ("name", "rdtype", "status", "zone"),
    [
        ("nowhere.good.test", "A", Status.NXDOMAIN, "good.test"),
        ("mail.good.test", "MX", Status.NODATA, "good.test"),
        ("dangling.good.test", "A", Status.NXDOMAIN, ""),
        ("alias.good.test", "MX", Status.NODATA, ""),
    ],
)
def test_real_absence(
    resolver: Endpoint, name: str, rdtype: str, status: Status, zone: str
) -> None:
    found = seen(resolver, name, rdtype)
    assert (found.status, found.zone) == (status, zone)


def test_a_large_answer_comes_over_tcp(resolver: Endpoint) -> None:
    question = Question("large.good.test", "TXT")
    ((lookup,),) = ask(resolver, question)
    assert lookup.transport == "tcp"
    assert observe(question, [lookup]).rdata == (LARGE,)


def test_what_does_not_validate_is_bogus(resolver: Endpoint) -> None:
    question = Question("bogus.test", "TXT")
    (lookups,) = ask(resolver, question)
    assert [lookup.status for lookup in lookups] == [Status.SERVFAIL, Status.ANSWERED]
    assert lookups[0].ede in {6, 9, 10}
    assert observe(question, lookups).status is Status.BOGUS


def test_a_referral_that_the_resolver_passes_on_proves_nothing(resolver: Endpoint) -> None:
    found = seen(resolver, "unserved.test", "A")
    assert found.status is Status.REFERRAL
    assert not found.determined


def test_many_sites_at_once(resolver: Endpoint) -> None:
    async def run() -> list[list[list[Lookup]]]:
        engine = Resolver([resolver])
        questions = [
            [Question(f"n{n}.wild.good.test", t) for t in ("TXT", "MX")] for n in range(2000)
        ]
        try:
            return await asyncio.gather(*(engine.for_site(1).ask(asked) for asked in questions))
        finally:
            engine.close()

    for texts, exchanges in asyncio.run(run()):
        assert [lookup.status for lookup in texts] == [Status.ANSWERED]
        assert [lookup.status for lookup in exchanges] == [Status.NODATA]
