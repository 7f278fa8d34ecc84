"""CPU of the processor for one site of about 30 lookups, by step.

The sites are all different and share a few operators, as real ones do. Baseline, in the same run:
dnspython reading the same responses.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import dns.message

from services.common.messages.envelope import Incoming
from services.common.messages.scan_result import ScanResult, decode
from services.common.reference.load import load
from services.processor.core.derive import derive
from services.processor.core.site_run import SiteRun
from services.processor.handler import Processor
from tests.unit.processor.scan import scan
from tests.unit.scanner.world import SOA, Records

SITES = 300
ROUNDS = 3
"""Each with sites of its own, so that only what sites share is known already. The fastest counts:
others use the machine too."""
OPERATORS = 25

T = TypeVar("T")


def main() -> None:
    sites = [[result(n) for n in range(at, at + SITES)] for at in range(0, SITES * ROUNDS, SITES)]
    reference = load("world")
    handle = Processor(_Nowhere(), reference)
    print(f"{sum(len(one.lookups) for one in sites[0]) / SITES:.1f} lookups a site")
    baseline = measure("dnspython reads the responses", _read_all, sites)
    spent = measure("derive SiteRun and sections", lambda one: derive(one, reference), sites)
    messages = [[one.encode() for one in some] for some in sites]
    measure("decode the message", decode, messages)
    incoming = [[Incoming("", 0, 0, None, one, (), 0) for one in some] for some in messages]
    measure("decode, derive, encode; known sites", lambda one: handle([one]), incoming)
    print(f"{'dnspython / derive':38}{baseline / spent:8.1f} x")


def measure(name: str, work: Callable[[T], object], rounds: Sequence[Sequence[T]]) -> float:
    """Microseconds of CPU a site; prints them."""
    spent = min(_once(work, inputs) for inputs in rounds) / SITES * 1e6
    print(f"{name:38}{spent:8.0f} us")
    return spent


def _once(work: Callable[[T], object], inputs: Sequence[T]) -> float:
    began = time.process_time()
    for one in inputs:
        work(one)
    return time.process_time() - began


def _read_all(one: ScanResult) -> None:
    for lookup in one.lookups:
        dns.message.from_wire(lookup.response)


def result(number: int) -> ScanResult:
    """As the scanner shares answers, the same question has the same bytes for every site; they are
    others than those that were read while this was made."""
    found = scan(f"site{number}.com", world(number))
    lookups = [replace(one, response=b"\1\1" + one.response[2:]) for one in found.lookups]
    return replace(found, lookups=tuple(lookups))


def world(number: int) -> Records:
    """One site and the operators of its mail and name servers."""
    site, mail, host = f"site{number}.com", f"mail{number % OPERATORS}.net", f"dns{number % 7}.net"
    address = f"192.0.2.{number % 250}"
    return {
        ("com", "SOA"): SOA,
        ("net", "SOA"): SOA,
        (site, "SOA"): SOA,
        (site, "NS"): [f"ns{n}.{host}." for n in range(4)],
        (site, "MX"): [f"10 mx1.{mail}.", f"20 mx2.{mail}."],
        (site, "TXT"): [
            f'"v=spf1 include:_spf.{mail} ip4:{address} ~all"',
            f'"verification={number:064x}"',
            f'"MS=ms{number:08d}"',
        ],
        (site, "A"): [address],
        (site, "AAAA"): ["2001:db8::1"],
        (site, "CAA"): ['0 issue "ca.test"', f'0 iodef "mailto:x@{site}"'],
        (f"_dmarc.{site}", "TXT"): [f'"v=DMARC1; p=reject; sp=none; rua=mailto:d{number}@{site}"'],
        (mail, "SOA"): SOA,
        (f"mx1.{mail}", "A"): ["192.0.2.3"],
        (f"mx2.{mail}", "A"): ["192.0.2.4"],
        (f"_spf.{mail}", "TXT"): [f'"v=spf1 include:_a.{mail} include:_b.{mail} ~all"'],
        (f"_a.{mail}", "TXT"): ['"v=spf1 ip4:192.0.2.0/25 ip4:198.51.100.0/24 ~all"'],
        (f"_b.{mail}", "TXT"): ['"v=spf1 ip6:2001:db8::/32 ~all"'],
        (host, "SOA"): SOA,
        **{(f"ns{n}.{host}", "A"): [f"192.0.2.{10 + n}"] for n in range(4)},
    }


class _Nowhere:
    def store(self, rows: Sequence[SiteRun]) -> None:
        pass


if __name__ == "__main__":
    main()
