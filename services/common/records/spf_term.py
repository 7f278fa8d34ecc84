"""One term of an SPF record as the grammar of RFC 7208 section 12 reads it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from services.common.records.spf_macro import (
    DomainSpec,
    SpecError,
    read_domain_spec,
    read_macro_string,
)
from services.common.records.spf_network import BITS, Network, read_ip4, read_ip6, read_prefix

COUNTED = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
"""Terms that cost one of the ten lookups (section 4.6.4)."""


class FaultCode(StrEnum):
    """What is wrong with one term."""

    VERSION = "version"
    CHARACTER = "character"
    MECHANISM = "mechanism"
    INCLUDE = "include"
    A = "a"
    MX = "mx"
    PTR = "ptr"
    EXISTS = "exists"
    REDIRECT = "redirect"
    EXP = "exp"
    MACRO = "macro"
    CIDR = "cidr"
    IP4_MISSING = "ip4-missing"
    IP4_VALUE = "ip4-value"
    IP4_CIDR = "ip4-cidr"
    IP6_MISSING = "ip6-missing"
    IP6_VALUE = "ip6-value"
    IP6_CIDR = "ip6-cidr"
    IP6_IN_IP4 = "ip6-in-ip4"
    IP4_IN_IP6 = "ip4-in-ip6"
    DUPLICATE_REDIRECT = "duplicate-redirect"
    DUPLICATE_EXP = "duplicate-exp"


ONCE = {"redirect": FaultCode.DUPLICATE_REDIRECT, "exp": FaultCode.DUPLICATE_EXP}
"""Modifiers that may appear once (section 6)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`position` counts the characters of the record before `term`."""

    code: FaultCode
    term: str
    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One directive. `prefix4` and `prefix6` are the dual-cidr of `a` and `mx`."""

    name: str
    qualifier: str = "+"
    spec: DomainSpec | None = None
    network: Network | None = None
    prefix4: int = BITS[4]
    prefix6: int = BITS[6]
    text: str = field(default="", compare=False)
    """As written."""

    def __str__(self) -> str:
        """The shortest spelling with the same meaning; equal for terms that mean the same."""
        value = self.spec.text if self.spec else self.network
        return "".join(
            (
                "" if self.qualifier == "+" else self.qualifier,
                self.name,
                "" if value is None else f":{value}",
                "" if self.prefix4 == BITS[4] else f"/{self.prefix4}",
                "" if self.prefix6 == BITS[6] else f"//{self.prefix6}",
            )
        )


@dataclass(frozen=True, slots=True)
class Modifier:
    """`redirect`, `exp` or one that RFC 7208 does not know and receivers ignore (section 6)."""

    name: str
    spec: DomainSpec
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.name}={self.spec.text}"


Term = Mechanism | Modifier


class FaultError(Exception):
    """The term breaks the grammar; the text says how."""

    def __init__(self, code: FaultCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


_CODES_OF_SPECS = {
    "include": FaultCode.INCLUDE,
    "a": FaultCode.A,
    "mx": FaultCode.MX,
    "ptr": FaultCode.PTR,
    "exists": FaultCode.EXISTS,
    "redirect": FaultCode.REDIRECT,
    "exp": FaultCode.EXP,
}
_TERM = re.compile(r"([-+?~]?)([a-z][a-z0-9._-]*)([:=/].*)?\Z", re.IGNORECASE | re.ASCII)
_DUAL_CIDR = re.compile(r"(:.*?)?(/[0-9]*)?(//[0-9]*)?\Z", re.ASCII)


def read_term(written: str) -> Term:
    """Raises FaultError for what is no term."""
    if not (written.isascii() and written.isprintable()):
        raise FaultError(FaultCode.CHARACTER, "it has a character that is not printable ASCII")
    match = _TERM.match(written)
    if match is None:
        raise FaultError(FaultCode.MECHANISM, "it is no mechanism or modifier")
    qualifier, name, rest = match[1], match[2].lower(), match[3] or ""
    if rest.startswith("="):
        return replace(_read_modifier(qualifier, name, rest[1:]), text=written)
    reader = _READERS.get(name)
    if reader is None:
        raise _unknown(name)
    return replace(reader(name, rest), qualifier=qualifier or "+", text=written)


def _unknown(name: str) -> FaultError:
    if name in ONCE:
        return FaultError(_CODES_OF_SPECS[name], f'{name} is followed by "=" and a name')
    return FaultError(FaultCode.MECHANISM, f"SPF has no mechanism {name}")


def _read_modifier(qualifier: str, name: str, value: str) -> Modifier:
    if qualifier:
        raise FaultError(FaultCode.MECHANISM, "a modifier has no qualifier")
    if name in ONCE:
        return Modifier(name, _spec(name, value))
    try:
        return Modifier(name, read_macro_string(value))
    except SpecError as error:
        raise FaultError(FaultCode.MACRO, str(error)) from None


def _spec(name: str, text: str) -> DomainSpec:
    try:
        return read_domain_spec(text)
    except SpecError as error:
        code = FaultCode.MACRO if error.in_macro else _CODES_OF_SPECS[name]
        raise FaultError(code, str(error)) from None


def _read_all(name: str, rest: str) -> Mechanism:
    if rest:
        raise FaultError(FaultCode.MECHANISM, "nothing may follow all")
    return Mechanism(name)


def _read_named(name: str, rest: str) -> Mechanism:
    """include and exists: a name must follow."""
    if not rest.startswith(":"):
        raise FaultError(_CODES_OF_SPECS[name], f'{name} is followed by ":" and a name')
    return Mechanism(name, spec=_spec(name, rest[1:]))


def _read_ptr(name: str, rest: str) -> Mechanism:
    return _read_named(name, rest) if rest else Mechanism(name)


def _read_addressed(name: str, rest: str) -> Mechanism:
    """a and mx: an optional name and an optional dual-cidr (section 5.3)."""
    match = _DUAL_CIDR.match(rest)
    if match is None:
        raise FaultError(FaultCode.CIDR, "what follows the slash is no prefix length")
    target, slash4, slash6 = match.groups()
    return Mechanism(
        name,
        spec=None if target is None else _spec(name, target[1:]),
        prefix4=_dual_prefix(slash4, 4),
        prefix6=_dual_prefix(slash6, 6),
    )


def _dual_prefix(written: str | None, version: int) -> int:
    if written is None:
        return BITS[version]
    return _prefix(written.lstrip("/"), version, FaultCode.CIDR)


def _prefix(text: str, version: int, code: FaultCode) -> int:
    prefix = read_prefix(text, version)
    if prefix is None:
        raise FaultError(code, f"/{text} is no IPv{version} prefix length")
    return prefix


def _read_ip4(name: str, rest: str) -> Mechanism:
    address, slash, prefix = rest[1:].partition("/")
    if not rest.startswith(":") or not address:
        raise FaultError(FaultCode.IP4_MISSING, 'ip4 is followed by ":" and an IPv4 address')
    value = read_ip4(address)
    if value is None and read_ip6(address) is not None:
        raise FaultError(FaultCode.IP6_IN_IP4, "an IPv6 address belongs in ip6")
    if value is None:
        raise FaultError(FaultCode.IP4_VALUE, f"{address} is no IPv4 address")
    length = _prefix(prefix, 4, FaultCode.IP4_CIDR) if slash else BITS[4]
    return Mechanism(name, network=Network(4, value, length))


def _read_ip6(name: str, rest: str) -> Mechanism:
    address, slash, prefix = rest[1:].partition("/")
    if not rest.startswith(":") or not address:
        raise FaultError(FaultCode.IP6_MISSING, 'ip6 is followed by ":" and an IPv6 address')
    value = read_ip6(address)
    if value is None and read_ip4(address) is not None:
        raise FaultError(FaultCode.IP4_IN_IP6, "an IPv4 address belongs in ip4")
    if value is None:
        raise FaultError(FaultCode.IP6_VALUE, f"{address} is no IPv6 address")
    length = _prefix(prefix, 6, FaultCode.IP6_CIDR) if slash else BITS[6]
    return Mechanism(name, network=Network(6, value, length))


_READERS: dict[str, Callable[[str, str], Mechanism]] = {
    "all": _read_all,
    "include": _read_named,
    "exists": _read_named,
    "ptr": _read_ptr,
    "a": _read_addressed,
    "mx": _read_addressed,
    "ip4": _read_ip4,
    "ip6": _read_ip6,
}
