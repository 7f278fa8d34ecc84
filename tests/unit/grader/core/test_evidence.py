"""What changes the hash of the evidence, and what does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.grader.core.evidence import evidence_hash
from services.grader.core.verdict import Section

MX = Observation("example.com", "MX", Status.ANSWERED, ("10 a.example", "20 b.example"))
TXT = Observation("example.com", "TXT", Status.ANSWERED, ("v=DMARC1; p=none",))
A = Observation("a.example", "A", Status.ANSWERED, ("192.0.2.1", "192.0.2.2"))

CHANGES = {
    "a record less": replace(MX, rdata=("10 a.example",)),
    "another record": replace(MX, rdata=("10 a.example", "20 c.example")),
    "another status": replace(MX, status=Status.SERVFAIL, rdata=()),
    "an alias": replace(MX, aliases=("www.example.com",)),
    "signed": replace(MX, signed=True),
    "another server": replace(MX, server="192.0.2.53"),
    "another zone": replace(MX, zone="example.com"),
    "two records as one": replace(MX, rdata=('10 a.example", "20 b.example',)),
}


def section(*seen: Observation, at: int = 1) -> Section:
    return Section("example.com", at, {one.question: one for one in seen})


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_what_a_grader_can_tell_apart_changes_the_hash(changed: Observation) -> None:
    assert evidence_hash(section(changed, TXT)) != evidence_hash(section(MX, TXT))


def test_the_case_of_names_does_not_matter_but_that_of_text_does() -> None:
    upper = replace(MX, rdata=("10 A.example", "20 b.EXAMPLE"))
    assert evidence_hash(section(upper)) == evidence_hash(section(MX))
    lower = replace(TXT, rdata=("v=dmarc1; p=none",))
    assert evidence_hash(section(lower)) != evidence_hash(section(TXT))


def test_neither_time_nor_domain_is_evidence() -> None:
    other = Section("other.example", 99, section(MX).observations)
    assert evidence_hash(other) == evidence_hash(section(MX, at=1))


def test_it_is_a_sha256() -> None:
    assert len(evidence_hash(section())) == 32


@given(order=st.permutations([MX, TXT, A]), reverse=st.booleans())
def test_order_does_not_matter(order: list[Observation], reverse: bool) -> None:
    turned = [replace(one, rdata=one.rdata[::-1] if reverse else one.rdata) for one in order]
    assert evidence_hash(section(*turned)) == evidence_hash(section(MX, TXT, A))
