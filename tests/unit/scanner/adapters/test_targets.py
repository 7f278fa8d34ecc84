import json
from pathlib import Path

import pytest

from services.common.dns.lookup import Lookup, Question
from services.common.dns.status import Status
from services.common.reference.load import load as load_reference
from services.scanner.adapters.endpoints import Endpoint
from services.scanner.adapters.limits import Limits
from services.scanner.adapters.resolver import Resolver
from services.scanner.adapters.targets import BadTargetsError, Targets, WorldTargets, load
from services.scanner.core.optout import NONE, OptOuts, parse
from tests.unit.scanner.adapters.servers import address, run, server

IS_PUBLIC = load_reference("public").is_public
QUESTION = Question("a.example", "A")


@pytest.mark.parametrize(
    ("published", "reached"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("192.0.2.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("2002:7f00:1::1", False),
        ("64:ff9b::7f00:1", False),
        ("::ffff:127.0.0.1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_only_public_addresses_are_reached(published: str, reached: bool) -> None:
    place = load("public", IS_PUBLIC).place(published)
    assert place == (Endpoint(published, 53) if reached else None)


def test_this_machines_own_addresses_are_not_reached() -> None:
    assert load("public", lambda _: True).place("127.0.0.1") is None
    assert load("public", lambda _: True).place("::1") is None


def _file(folder: Path, content: str) -> str:
    path = folder / "targets.json"
    path.write_text(content, "utf-8")
    return str(path)


def test_a_world_reaches_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    entries = {"192.0.2.1": "127.0.0.1:5301", "2001:DB8:0::1": "[::1]:5302"}
    targets = load(_file(tmp_path, json.dumps(entries)), IS_PUBLIC)
    assert targets.place("192.0.2.1") == Endpoint("127.0.0.1", 5301)
    assert targets.place("2001:db8::1") == Endpoint("::1", 5302)
    assert targets.place("8.8.8.8") is None
    assert targets.place("ns.example") is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "no JSON"),
        ("[]", "not an object of addresses"),
        ('{"ns.example": "127.0.0.1:1"}', "'ns.example' is no address"),
        ('{"192.0.2.1": "localhost:1"}', "192.0.2.1: 'localhost:1' is no address"),
        ('{"192.0.2.1": 53}', "192.0.2.1: '53' is no address"),
        ('{"192.0.2.1": "8.8.8.8:53"}', "192.0.2.1: 8.8.8.8:53 is not on loopback"),
    ],
)
def test_says_what_is_wrong_with_a_world(tmp_path: Path, content: str, fault: str) -> None:
    path = _file(tmp_path, content)
    with pytest.raises(BadTargetsError) as raised:
        load(path, IS_PUBLIC)
    assert str(raised.value).startswith(f"targets '{path}': {fault}")


def test_says_that_there_is_no_such_policy() -> None:
    with pytest.raises(BadTargetsError, match="neither 'public' nor a file: No such file"):
        load("publik", IS_PUBLIC)


def _asked_directly(
    published: str, *, world: bool = True, optouts: OptOuts = NONE
) -> tuple[Lookup, list[bytes]]:
    async def talk() -> tuple[Lookup, list[bytes]]:
        async with server() as authority, server() as upstream:
            servers = {"192.0.2.1": authority.endpoint}
            targets: Targets | None = WorldTargets(servers) if world else None
            resolver = Resolver([upstream.endpoint], Limits(), optouts, targets)
            ((lookup,),) = await resolver.for_site(1).ask_server(published, [QUESTION])
            resolver.close()
            assert not upstream.udp
            return lookup, authority.udp

    return run(talk())


def test_a_name_server_is_asked_where_the_world_has_it() -> None:
    lookup, queries = _asked_directly("192.0.2.1")
    assert (lookup.server, lookup.status) == ("192.0.2.1", Status.ANSWERED)
    assert [query[0] & 0x01 for query in queries] == [0], "recursion was not asked for"


@pytest.mark.parametrize(
    ("published", "world", "optouts", "reason"),
    [
        ("192.0.2.2", True, NONE, "policy"),
        ("127.0.0.1", True, NONE, "policy"),
        ("192.0.2.1", False, NONE, "policy"),
        ("192.0.2.1", True, parse(["192.0.2.0/24"]), "opt-out"),
        ("192.0.2.1", True, parse(["a.example"]), "opt-out"),
    ],
)
def test_nothing_is_sent_where_it_must_not_go(
    published: str, world: bool, optouts: OptOuts, reason: str
) -> None:
    lookup, queries = _asked_directly(published, world=world, optouts=optouts)
    assert (lookup.status, lookup.reason) == (Status.NOT_ASKED, reason)
    assert lookup.server == published
    assert not queries


def test_resolvers_are_exempt() -> None:
    async def talk() -> Lookup:
        async with server(address) as upstream:
            resolver = Resolver([upstream.endpoint])
            ((lookup,),) = await resolver.for_site(1).ask([QUESTION])
            resolver.close()
            return lookup

    assert run(talk()).status is Status.ANSWERED
