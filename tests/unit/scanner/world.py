"""A DNS of records in a dictionary, which answers in wire format through the scanner's port."""

from collections.abc import Mapping, Sequence

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from services.common.dns.lookup import Lookup, Question
from services.common.dns.names import is_subdomain, parent
from services.common.dns.observe import said

Records = Mapping[tuple[str, str], Sequence[str]]
"""Presentation rdata, with final dots, by owner and type. A SOA makes its owner a zone."""


class World:
    """Answers like a resolver; follows CNAMEs. `asked` holds every round."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.asked: list[tuple[Question, ...]] = []

    async def ask(
        self, questions: Sequence[Question], *, checking_disabled: bool = False
    ) -> list[list[Lookup]]:
        self.asked.append(tuple(questions))
        return [[self.lookup(question)] for question in questions]

    def lookup(self, question: Question) -> Lookup:
        return answered(question, self.respond(question))

    def respond(self, question: Question) -> bytes:
        query = dns.message.make_query(question.name + ".", question.rdtype)
        response = dns.message.make_response(query)
        response.id = 0
        response.flags |= dns.flags.RA
        owner = self._follow(question, response)
        found = self.records.get((owner, question.rdtype))
        if found:
            response.answer.append(_rrset(owner, question.rdtype, found))
        elif (zone := self._zone(owner)) is not None:
            response.authority.append(_rrset(zone, "SOA", self.records[zone, "SOA"]))
            response.set_rcode(dns.rcode.NOERROR if self._exists(owner) else dns.rcode.NXDOMAIN)
        else:
            response.set_rcode(dns.rcode.SERVFAIL)
        return response.to_wire(max_size=65535)

    def _follow(self, question: Question, response: dns.message.Message) -> str:
        owner, seen = question.name, set[str]()
        while (target := self.records.get((owner, "CNAME"))) and owner not in seen:
            seen.add(owner)
            response.answer.append(_rrset(owner, "CNAME", target))
            owner = target[0].rstrip(".")
        return owner

    def _zone(self, name: str) -> str | None:
        while (name, "SOA") not in self.records:
            if name == ".":
                return None
            name = parent(name)
        return name

    def _exists(self, name: str) -> bool:
        return any(is_subdomain(owner, name) for owner, _ in self.records)


def answered(question: Question, response: bytes) -> Lookup:
    return Lookup(
        name=question.name,
        rdtype=question.rdtype,
        server="resolver",
        transport="udp",
        status=said(question, response).status,
        reason="",
        checking_disabled=False,
        flags=int.from_bytes(response[2:4]),
        ede=None,
        attempts=1,
        received_at=1_700_000_000_000_000,
        rtt=1000,
        response=response,
        response_size=len(response),
        response_sha256=b"",
    )


def _rrset(owner: str, rdtype: str, texts: Sequence[str]) -> dns.rrset.RRset:
    return dns.rrset.from_text(owner if owner == "." else owner + ".", 300, "IN", rdtype, *texts)


SOA = ["ns1.site.test. admin.site.test. 1 7200 3600 1209600 300"]

SITE: Records = {
    ("test", "SOA"): SOA,
    ("site.test", "SOA"): SOA,
    ("site.test", "NS"): ["ns1.site.test.", "ns2.host.test."],
    ("site.test", "MX"): ["10 mx.host.test."],
    ("site.test", "TXT"): ['"v=spf1 include:spf.host.test -all"', '"other"'],
    ("site.test", "A"): ["192.0.2.1"],
    ("_dmarc.site.test", "TXT"): ['"v=DMARC1; p=reject; rua=mailto:d@host.test"'],
    ("ns1.site.test", "A"): ["192.0.2.2"],
    ("host.test", "SOA"): SOA,
    ("host.test", "MX"): ["10 mx.host.test."],
    ("ns2.host.test", "A"): ["192.0.2.3"],
    ("mx.host.test", "A"): ["192.0.2.4"],
    ("spf.host.test", "TXT"): ['"v=spf1 ip4:192.0.2.0/24 ?all"'],
}
"""A usual site, its mail and half its DNS run by somebody else."""
