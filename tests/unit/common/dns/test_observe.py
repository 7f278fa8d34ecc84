import struct
from dataclasses import replace

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given

from services.common.dns.lookup import Lookup, Observation, Question
from services.common.dns.observe import MAX_ALIASES, interpret, observe
from services.common.dns.status import Status
from services.common.dns.wire import UNKNOWN_EDE, read
from tests.unit.common.dns import presentation
from tests.unit.common.dns.strategies import answers

SOA = "example. 300 IN SOA ns.example. mail.example. 1 2 3 4 5"
TXT = Question("a.example", "TXT")


def response(
    question: Question,
    *answer: str,
    authority: tuple[str, ...] = (),
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR,
    ede: int | None = None,
    flags: int = 0,
) -> bytes:
    query = dns.message.make_query(question.name + ".", question.rdtype, use_edns=True)
    message = dns.message.make_response(query, recursion_available=True)
    message.set_rcode(rcode)
    message.flags |= flags
    for section, lines in ((message.answer, answer), (message.authority, authority)):
        for line in lines:
            owner, ttl, rdclass, rdtype, value = line.split(" ", 4)
            section.append(dns.rrset.from_text(owner, int(ttl), rdclass, rdtype, value))
    if ede is not None:
        message.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.make(ede))])
    return message.to_wire()


def lookup(
    question: Question,
    wire: bytes = b"",
    *,
    status: Status = Status.TIMEOUT,
    cd: bool = False,
    reason: str = "",
) -> Lookup:
    return Lookup(
        question.name,
        question.rdtype,
        server="resolver",
        transport="udp",
        status=status,
        reason=reason,
        checking_disabled=cd,
        flags=0,
        ede=None,
        attempts=1,
        received_at=0,
        rtt=0,
        response=wire,
        response_size=len(wire),
        response_sha256=b"",
    )


def seen(question: Question, wire: bytes, server: str = "resolver") -> Observation:
    return observe(question, [lookup(question, wire)], server)


@given(answers())
def test_says_what_dnspython_says_of_an_answer(message: dns.message.Message) -> None:
    wire = message.to_wire()
    asked = message.question[0]
    question = Question(presentation.name(asked.name), dns.rdatatype.to_text(asked.rdtype))
    found = interpret(question, read(wire))
    assert found.status is Status.ANSWERED
    expected = {presentation.present(value) for rrset in message.answer for value in rrset}
    assert found.rdata == tuple(sorted(expected))
    assert found.signed == bool(message.flags & dns.flags.AD)
    zone = message.answer[0] if question.rdtype == "SOA" else message.authority[0]
    assert found.zone == presentation.name(zone.name)


def test_joins_strings_and_drops_duplicates() -> None:
    wire = response(TXT, 'a.example. 60 IN TXT "b" "c"', 'A.example. 60 IN TXT "bc"')
    assert seen(TXT, wire).rdata == ("bc",)


def test_other_names_types_and_classes_are_no_answer() -> None:
    wire = response(
        TXT,
        'b.example. 60 IN TXT "b"',
        "a.example. 60 IN A 192.0.2.1",
        'a.example. 60 CH TXT "chaos"',
        authority=(SOA,),
    )
    assert seen(TXT, wire).status is Status.NODATA


@pytest.mark.parametrize(
    ("rcode", "ede", "status"),
    [
        (dns.rcode.FORMERR, None, Status.FORMERR),
        (dns.rcode.SERVFAIL, None, Status.SERVFAIL),
        (dns.rcode.SERVFAIL, UNKNOWN_EDE, Status.UNKNOWN),
        (dns.rcode.NOTIMP, None, Status.NOTIMP),
        (dns.rcode.REFUSED, UNKNOWN_EDE, Status.REFUSED),
        (dns.rcode.NOTAUTH, None, Status.NOTAUTH),
        (dns.rcode.BADVERS, None, Status.BADVERS),
        (dns.rcode.YXDOMAIN, None, Status.SERVFAIL),
        (dns.rcode.NXDOMAIN, None, Status.NXDOMAIN),
    ],
)
def test_rcodes_become_statuses(rcode: dns.rcode.Rcode, ede: int | None, status: Status) -> None:
    found = seen(TXT, response(TXT, rcode=rcode, ede=ede))
    assert found.status is status
    assert found.ede == ede
    assert found.reason == ("rcode 6" if rcode == dns.rcode.YXDOMAIN else "")


def test_truncated_is_not_observed_even_with_records() -> None:
    wire = response(TXT, 'a.example. 60 IN TXT "b"', flags=dns.flags.TC)
    found = seen(TXT, wire)
    assert (found.status, found.rdata) == (Status.TRUNCATED, ())


@pytest.mark.parametrize(
    ("authority", "flags", "server", "status"),
    [
        ((SOA,), 0, "resolver", Status.NODATA),
        ((SOA,), dns.flags.AA, "192.0.2.1", Status.NODATA),
        ((SOA,), 0, "192.0.2.1", Status.NODATA_UNPROVEN),
        ((), dns.flags.AA, "192.0.2.1", Status.NODATA_UNPROVEN),
        ((), 0, "resolver", Status.NODATA_UNPROVEN),
        ((SOA.replace("example. 300", "other. 300"),), 0, "resolver", Status.NODATA_UNPROVEN),
        (("example. 60 IN NS ns.example.",), 0, "192.0.2.1", Status.REFERRAL),
        (("example. 60 IN NS ns.example.",), dns.flags.AA, "192.0.2.1", Status.NODATA_UNPROVEN),
        (("example. 60 IN NS ns.example.", SOA), 0, "resolver", Status.NODATA),
    ],
)
def test_emptiness_needs_proof(
    authority: tuple[str, ...], flags: int, server: str, status: Status
) -> None:
    found = seen(TXT, response(TXT, authority=authority, flags=flags), server)
    assert found.status is status
    assert found.absent is (status is Status.NODATA)


def test_the_zone_is_the_owner_of_the_soa() -> None:
    assert seen(TXT, response(TXT, authority=(SOA,))).zone == "example"
    soa = Question("example", "SOA")
    assert seen(soa, response(soa, SOA)).zone == "example"
    nxdomain = response(TXT, authority=(SOA,), rcode=dns.rcode.NXDOMAIN)
    assert seen(TXT, nxdomain).zone == "example"
    assert seen(TXT, response(TXT, authority=(SOA.replace("example.", "other."),))).zone == ""


def test_follows_aliases_to_the_answer() -> None:
    wire = response(
        TXT,
        "b.example. 60 IN CNAME c.Other.",
        "a.example. 60 IN CNAME B.example.",
        'c.other. 60 IN TXT "found"',
        flags=dns.flags.AD,
    )
    found = seen(TXT, wire)
    assert found.aliases == ("b.example", "c.other")
    assert found.rdata == ("found",)
    assert found.signed


@pytest.mark.parametrize(
    ("rcode", "status"),
    [(dns.rcode.NOERROR, Status.NODATA), (dns.rcode.NXDOMAIN, Status.NXDOMAIN)],
)
def test_emptiness_behind_an_alias_counts_but_names_no_zone(
    rcode: dns.rcode.Rcode, status: Status
) -> None:
    wire = response(
        TXT,
        "a.example. 60 IN CNAME c.other.",
        authority=(SOA.replace("example. 300", "other. 300"),),
        rcode=rcode,
    )
    found = seen(TXT, wire)
    assert (found.status, found.aliases, found.zone) == (status, ("c.other",), "")


def test_an_alias_that_leads_out_of_the_answer_proves_nothing() -> None:
    wire = response(TXT, "a.example. 60 IN CNAME c.other.", authority=(SOA,))
    assert seen(TXT, wire).status is Status.NODATA_UNPROVEN


def test_the_alias_itself_is_an_answer_to_cname() -> None:
    question = Question("a.example", "CNAME")
    found = seen(question, response(question, "a.example. 60 IN CNAME b.example."))
    assert (found.rdata, found.aliases) == (("b.example",), ())


@pytest.mark.parametrize("target", ["a.example.", "b.example."])
def test_loops_end_unproven(target: str) -> None:
    wire = response(TXT, "a.example. 60 IN CNAME b.example.", f"b.example. 60 IN CNAME {target}")
    found = seen(TXT, wire)
    assert (found.status, found.reason) == (Status.NODATA_UNPROVEN, "CNAME loop")


def test_long_chains_end_unproven() -> None:
    links = [f"n{n}.example. 60 IN CNAME n{n + 1}.example." for n in range(MAX_ALIASES + 1)]
    question = Question("n0.example", "A")
    last = f"n{MAX_ALIASES}.example. 60 IN A 192.0.2.1"
    assert seen(question, response(question, *links[:-1], last)).rdata == ("192.0.2.1",)
    beyond = seen(question, response(question, *links))
    assert beyond.status is Status.NODATA_UNPROVEN
    assert beyond.reason == "more than 11 CNAMEs"


def test_follows_a_dname_with_or_without_its_cname() -> None:
    question = Question("x.y.old.example", "A")
    dname = "old.example. 60 IN DNAME new.example."
    address = "x.y.new.example. 60 IN A 192.0.2.1"
    cname = "x.y.old.example. 60 IN CNAME x.y.new.example."
    for wire in (
        response(question, dname, address),
        response(question, dname, cname, address),
    ):
        found = seen(question, wire)
        assert (found.rdata, found.aliases) == (("192.0.2.1",), ("x.y.new.example",))


def test_a_dname_loop_that_grows_ends() -> None:
    question = Question("a.old.example", "A")
    found = seen(question, response(question, "old.example. 60 IN DNAME x.old.example."))
    assert found.status is Status.NODATA_UNPROVEN


def test_damaged_rdata_is_not_observed_but_what_is_not_asked_does_not_matter() -> None:
    question = Question("example", "MX")
    wire = response(question, "example. 60 IN MX 10 a.example.")
    at = wire.index(b"\x00\x0a\x01a")
    damaged = wire[: at + 2] + b"\x3f" + wire[at + 3 :]
    assert seen(question, wire).rdata == ("10 a.example",)
    found = seen(question, damaged)
    assert found.status is Status.NETWORK
    assert found.reason.startswith("malformed response: ")


def test_a_malformed_response_is_not_observed() -> None:
    found = seen(TXT, b"\0" * 5)
    assert found.status is Status.NETWORK
    assert found.reason == "malformed response: cut off after 5 bytes"


def test_what_cd_cures_is_bogus() -> None:
    failed = lookup(TXT, response(TXT, rcode=dns.rcode.SERVFAIL, ede=6))
    cured = lookup(TXT, response(TXT, 'a.example. 60 IN TXT "b"', authority=(SOA,)), cd=True)
    found = observe(TXT, [failed, cured])
    assert (found.status, found.rdata, found.zone, found.ede) == (Status.BOGUS, (), "example", 6)
    assert found.determined


@pytest.mark.parametrize("ede", [22, 23])
def test_what_the_resolver_could_not_reach_is_not_bogus(ede: int) -> None:
    failed = lookup(TXT, response(TXT, rcode=dns.rcode.SERVFAIL, ede=ede))
    cured = lookup(TXT, response(TXT, 'a.example. 60 IN TXT "b"'), cd=True)
    assert observe(TXT, [failed, cured]).status is Status.SERVFAIL


def test_what_cd_does_not_cure_stays_a_failure() -> None:
    failed = lookup(TXT, response(TXT, rcode=dns.rcode.SERVFAIL))
    again = lookup(TXT, response(TXT, rcode=dns.rcode.SERVFAIL), cd=True)
    silent = lookup(TXT, cd=True)
    assert observe(TXT, [failed]).status is Status.SERVFAIL
    assert observe(TXT, [failed, again]).status is Status.SERVFAIL
    assert observe(TXT, [failed, silent]).status is Status.SERVFAIL


def test_a_later_determined_lookup_counts() -> None:
    late = lookup(TXT, response(TXT, 'a.example. 60 IN TXT "b"'))
    assert observe(TXT, [lookup(TXT), late]).rdata == ("b",)
    assert observe(TXT, [late, lookup(TXT)]).rdata == ("b",)


def test_without_bytes_the_recorded_end_counts() -> None:
    given_up = lookup(TXT, status=Status.NOT_ASKED, reason="cap")
    found = observe(TXT, [given_up])
    assert (found.status, found.reason) == (Status.NOT_ASKED, "cap")
    assert observe(TXT, []).status is Status.NOT_ASKED


def test_the_bytes_win_over_the_recorded_status() -> None:
    wire = response(TXT, rcode=dns.rcode.NXDOMAIN)
    recorded = replace(lookup(TXT, wire), status=Status.ANSWERED)
    assert observe(TXT, [recorded]).status is Status.NXDOMAIN


def test_a_hostile_answer_is_observed_in_time_linear_in_its_size() -> None:
    record = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 0, 2) + b"\xc0\x0c"
    question = b"\x01a\x07example\0\x00\x10\x00\x01"
    wire = struct.pack("!6H", 1, 0x8180, 1, 4000, 0, 0) + question + record * 4000
    assert seen(TXT, wire).reason == "CNAME loop"
