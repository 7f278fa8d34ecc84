"""Rdata as this project writes it, from dnspython's values."""

from collections.abc import Callable
from typing import Any

import dns.name
import dns.rdata
import dns.rdatatype


def name(value: dns.name.Name) -> str:
    return value.canonicalize().to_text(omit_final_dot=len(value) > 1)


def _address(rdata: Any) -> str:
    text = str(rdata.address)
    dotted = text.startswith("::") and "." in text and not text.startswith("::ffff:")
    if dotted:  # dnspython writes addresses below ::/96 as if they held an IPv4 address
        high, low = rdata.address.rpartition(":")[2].split("."), ""
        numbers = [int(part) for part in high]
        low = f"{numbers[2] << 8 | numbers[3]:x}"
        return f"::{numbers[0] << 8 | numbers[1]:x}:{low}"
    return text


_WRITE: dict[str, Callable[[Any], str]] = {
    "A": lambda r: str(r.address),
    "AAAA": _address,
    "NS": lambda r: name(r.target),
    "CNAME": lambda r: name(r.target),
    "DNAME": lambda r: name(r.target),
    "PTR": lambda r: name(r.target),
    "MX": lambda r: f"{r.preference} {name(r.exchange)}",
    "SRV": lambda r: f"{r.priority} {r.weight} {r.port} {name(r.target)}",
    "SOA": lambda r: (
        f"{name(r.mname)} {name(r.rname)} {r.serial} {r.refresh} {r.retry} {r.expire} {r.minimum}"
    ),
    "TXT": lambda r: b"".join(r.strings).decode("latin-1"),
    "DNSKEY": lambda r: "".join(r.to_text().split(" ", 3)[3].split()),
}


def present(rdata: dns.rdata.Rdata) -> str:
    mnemonic = dns.rdatatype.to_text(rdata.rdtype)
    if mnemonic == "DNSKEY":
        numbers = rdata.to_text().split(" ")[:3]
        return " ".join([*numbers, _WRITE["DNSKEY"](rdata)])
    write = _WRITE.get(mnemonic)
    return write(rdata) if write else rdata.to_text(chunksize=0).rstrip()
