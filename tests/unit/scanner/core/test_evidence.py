"""Evidence and its cap."""

import hashlib
from dataclasses import replace

from services.common.dns.lookup import Question
from services.common.dns.status import Status
from services.scanner.core.evidence import CUT, Evidence
from tests.unit.scanner.world import SITE, World

MX = Question("site.test", "MX")
TXT = Question("site.test", "TXT")
WORLD = World(SITE)


def test_what_is_added_is_kept_and_read() -> None:
    evidence, lookup = Evidence(), WORLD.lookup(MX)
    evidence.add(MX, [lookup])
    assert evidence.lookups == [lookup]
    assert evidence.known[MX].rdata == ("10 mx.host.test",)
    assert evidence.capped == ()


def test_a_response_beyond_the_cap_is_kept_as_length_and_digest() -> None:
    mail, texts = WORLD.lookup(MX), WORLD.lookup(TXT)
    evidence = Evidence(max_bytes=len(texts.response))
    evidence.add(TXT, [texts])
    evidence.add(MX, [mail])
    assert evidence.lookups[0] == texts
    assert evidence.lookups[1] == replace(
        mail,
        status=Status.TRUNCATED,
        reason=CUT,
        response=b"",
        response_sha256=hashlib.sha256(mail.response).digest(),
    )
    assert evidence.lookups[1].response_size == len(mail.response)
    assert evidence.capped == (CUT,)


def test_what_was_cut_counts_as_not_observed() -> None:
    evidence = Evidence(max_bytes=0)
    evidence.add(MX, [WORLD.lookup(MX)])
    seen = evidence.known[MX]
    assert not seen.determined
    assert seen.rdata == ()


def test_a_small_response_still_fits_after_a_large_one_was_cut() -> None:
    small, large = WORLD.lookup(MX), WORLD.lookup(TXT)
    evidence = Evidence(max_bytes=len(large.response) - 1)
    assert len(small.response) < len(large.response)
    evidence.add(TXT, [large])
    evidence.add(MX, [small])
    assert [bool(lookup.response) for lookup in evidence.lookups] == [False, True]


def test_the_lookups_of_one_question_are_kept_together() -> None:
    refused = replace(WORLD.lookup(MX), status=Status.SERVFAIL, response=b"")
    unchecked = replace(WORLD.lookup(MX), checking_disabled=True)
    evidence = Evidence()
    evidence.add(MX, [refused, unchecked])
    assert evidence.lookups == [refused, unchecked]
    assert evidence.known[MX].status is Status.BOGUS


def test_what_is_left_out_is_recorded_with_its_reason_once() -> None:
    evidence = Evidence()
    evidence.leave_out([MX, TXT], "cap", at=7)
    assert [lookup.question for lookup in evidence.lookups] == [MX, TXT]
    for lookup in evidence.lookups:
        assert (lookup.status, lookup.reason) == (Status.NOT_ASKED, "cap")
        assert (lookup.received_at, lookup.attempts, lookup.transport) == (7, 0, "")
    assert evidence.known[MX].reason == "cap"
    assert evidence.capped == ("cap",)


def test_what_the_asker_did_not_ask_is_a_cap_too() -> None:
    evidence = Evidence()
    lookup = replace(
        WORLD.lookup(MX), status=Status.NOT_ASKED, reason="budget", response=b"", attempts=0
    )
    evidence.add(MX, [lookup])
    assert evidence.capped == ("budget",)
