"""Messages of a world, read by an independent library."""

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.world.bundled import build
from deploy.local.world.respond import (
    UDP_SIZE,
    UnreadableError,
    assemble,
    authoritative,
    parse,
    recursive,
)
from deploy.local.world.server import Responder
from services.common.dns.lookup import Question
from services.common.dns.wire import UNKNOWN_EDE
from tests.unit.deploy.world.inside import packet, respond

WORLD, _ = build()


def ask(name: str, rdtype: str, flags: int = 0) -> dns.message.Message:
    response = respond(WORLD, Question(name, rdtype), flags)
    assert response is not None
    return dns.message.from_wire(response)


def ede(message: dns.message.Message) -> list[int]:
    return [int(option.code) for option in message.extended_errors()]


def test_answer_of_a_signed_zone() -> None:
    message = ask("exemplary.test", "MX")
    assert message.flags & (dns.flags.RA | dns.flags.AD) == dns.flags.RA | dns.flags.AD
    assert [str(rdata) for rdata in message.answer[0]] == [
        "10 mx1.exemplary.test.",
        "20 mx2.exemplary.test.",
    ]


def test_aliases_are_followed_to_the_end() -> None:
    message = ask("www.alias-site.test", "MX")
    assert [str(rrset.name) for rrset in message.answer] == [
        "www.alias-site.test.",
        "sites.hoster.test.",
    ]


@pytest.mark.parametrize(
    ("name", "rcode"), [("empty.test", dns.rcode.NOERROR), ("missing.test", dns.rcode.NXDOMAIN)]
)
def test_absence_comes_with_its_proof(name: str, rcode: dns.rcode.Rcode) -> None:
    message = ask(name, "MX")
    assert message.rcode() == rcode
    assert [rrset.rdtype.name for rrset in message.authority] == ["SOA"]


def test_wildcards_make_names_that_do_not_exist() -> None:
    assert ask("_dmarc.dmarc-wildcard.test", "TXT").answer[0].name.to_text() == (
        "_dmarc.dmarc-wildcard.test."
    )


def test_bogus_is_cured_by_checking_disabled() -> None:
    refused = ask("bogus.test", "TXT")
    assert (refused.rcode(), ede(refused)) == (dns.rcode.SERVFAIL, [6])
    cured = ask("bogus.test", "TXT", dns.flags.CD)
    assert cured.rcode() == dns.rcode.NOERROR
    assert cured.answer
    assert not cured.flags & dns.flags.AD


def test_names_outside_the_world_are_unknown() -> None:
    message = ask("somewhere.example", "A")
    assert (message.rcode(), ede(message)) == (dns.rcode.SERVFAIL, [UNKNOWN_EDE])


def test_silence_is_no_message() -> None:
    assert respond(WORLD, Question("timeout.test", "SOA")) is None


def test_what_is_too_long_for_udp_comes_by_tcp() -> None:
    asked = packet(Question("spf-big-answer.test", "TXT"))
    responder = Responder(lambda query: recursive(WORLD, query))
    short, whole = responder.answer(asked), responder.answer(asked, tcp=True)
    assert short is not None
    assert whole is not None
    assert dns.message.from_wire(short).flags & dns.flags.TC
    assert len(short) < UDP_SIZE < len(whole)
    assert len(dns.message.from_wire(whole).answer[0]) == 9


def test_other_spelling_and_id_come_back_as_asked() -> None:
    responder = Responder(lambda query: recursive(WORLD, query))
    query = dns.message.make_query("ExemPlary.TEST", "A", id=4711)
    response = responder.answer(query.to_wire())
    assert response is not None
    message = dns.message.from_wire(response)
    assert message.id == 4711
    assert message.question[0].name.to_text() == "ExemPlary.TEST."
    assert message.answer


def test_unknown_version_of_edns() -> None:
    query = dns.message.make_query("exemplary.test", "A", use_edns=1)
    response = Responder(lambda query: recursive(WORLD, query)).answer(query.to_wire())
    assert response is not None
    assert dns.message.from_wire(response).rcode() == dns.rcode.BADVERS


@pytest.mark.parametrize(
    ("zones", "rcode", "aa", "sections"),
    [
        ({"exemplary.test"}, dns.rcode.NOERROR, True, (1, 0)),
        ({"test"}, dns.rcode.NOERROR, False, (0, 1)),
        ({"hoster.test"}, dns.rcode.REFUSED, False, (0, 0)),
    ],
)
def test_name_servers(
    zones: set[str], rcode: dns.rcode.Rcode, aa: bool, sections: tuple[int, int]
) -> None:
    asked = packet(Question("exemplary.test", "MX"))
    query = parse(asked)
    prepared = authoritative(WORLD, frozenset(zones), query)
    assert prepared is not None
    message = dns.message.from_wire(assemble(asked, query, prepared, UDP_SIZE))
    assert message.rcode() == rcode
    assert bool(message.flags & dns.flags.AA) is aa
    assert (len(message.answer), len(message.authority)) == sections


def test_every_published_name_server_holds_a_zone() -> None:
    assert WORLD.servers["192.0.2.1"] == {"test"}
    assert "exemplary.test" in WORLD.servers["192.0.2.128"]


@given(st.binary(max_size=80))
def test_no_bytes_break_the_responder(data: bytes) -> None:
    response = Responder(lambda query: recursive(WORLD, query)).answer(data)
    assert response is None or response[:2] == data[:2]


@given(st.binary(min_size=17, max_size=80))
def test_parsing_raises_only_what_it_says(data: bytes) -> None:
    try:
        query = parse(data)
    except UnreadableError:
        return
    assert query.end <= len(data)
