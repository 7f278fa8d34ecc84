"""Record types by mnemonic and by number (IANA "Resource Record (RR) TYPEs")."""

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA = 1, 2, 5, 6, 12, 15, 16, 28
SRV, DNAME, OPT, DS, DNSKEY, TLSA, CAA = 33, 39, 41, 43, 48, 52, 257

_CODES = {
    "A": A,
    "NS": NS,
    "CNAME": CNAME,
    "SOA": SOA,
    "PTR": PTR,
    "HINFO": 13,
    "MX": MX,
    "TXT": TXT,
    "AAAA": AAAA,
    "SRV": SRV,
    "NAPTR": 35,
    "DNAME": DNAME,
    "OPT": OPT,
    "DS": DS,
    "SSHFP": 44,
    "RRSIG": 46,
    "NSEC": 47,
    "DNSKEY": DNSKEY,
    "NSEC3": 50,
    "NSEC3PARAM": 51,
    "TLSA": TLSA,
    "SMIMEA": 53,
    "CDS": 59,
    "CDNSKEY": 60,
    "OPENPGPKEY": 61,
    "CSYNC": 62,
    "ZONEMD": 63,
    "SVCB": 64,
    "HTTPS": 65,
    "SPF": 99,
    "CAA": CAA,
}
_MNEMONICS = {code: mnemonic for mnemonic, code in _CODES.items()}


class BadTypeError(ValueError):
    """The text is no record type."""


def code(mnemonic: str) -> int:
    """The number of "TXT" or of "TYPE123" (RFC 3597 section 5). Raises BadTypeError."""
    known = _CODES.get(mnemonic)
    if known is not None:
        return known
    digits = mnemonic.removeprefix("TYPE")
    if digits == mnemonic or not digits.isdecimal() or not digits.isascii():
        raise BadTypeError(f"{mnemonic!r} is no record type")
    number = int(digits[:6])
    if number > 0xFFFF:
        raise BadTypeError(f"{mnemonic!r} is above TYPE65535")
    return number


def mnemonic(code: int) -> str:
    return _MNEMONICS.get(code) or f"TYPE{code}"
