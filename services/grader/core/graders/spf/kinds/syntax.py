"""Remark kinds about the grammar: one fault makes every receiver give up on the whole record."""

from services.common.records.spf_term import FaultCode
from services.grader.core.remark import Level, RemarkKind

_MEANS = (
    "One mistake in the grammar makes the whole record invalid: receivers give up and none of its "
    "terms protects you."
)


def _fault(tag: str, number: int, what: str, reference: str, mend: str) -> RemarkKind:
    text = f"The SPF record of {{name}} has {what}, {{term}}, at character {{position}}: {{reason}}"
    return RemarkKind(tag, number, Level.FATAL, text, reference, _MEANS, mend)


INVALID_INCLUDE_FORMAT = _fault(
    "SPF_INVALID_INCLUDE_FORMAT",
    5,
    "an invalid include",
    "RFC 7208 section 5.2",
    "Write include: followed by the full domain name that your mail provider gave you.",
)
INVALID_A_MECHANISM = _fault(
    "SPF_INVALID_A_MECHANISM",
    8,
    "an invalid a mechanism",
    "RFC 7208 section 5.3",
    "Write a alone for the domain itself, or a: followed by a host name. Addresses go into ip4: "
    "and ip6:.",
)
INVALID_MX_MECHANISM = _fault(
    "SPF_INVALID_MX_MECHANISM",
    9,
    "an invalid mx mechanism",
    "RFC 7208 section 5.4",
    "Write mx alone for the domain's own mail servers, or mx: followed by a domain name. "
    "Addresses go into ip4: and ip6:.",
)
INVALID_REDIRECT_MECHANISM = _fault(
    "SPF_INVALID_REDIRECT_MECHANISM",
    11,
    "an invalid redirect",
    "RFC 7208 section 6.1",
    "Write redirect= (with an equals sign) followed by the domain name whose record applies.",
)
INVALID_IPV4_MECHANISM = _fault(
    "SPF_INVALID_IPV4_MECHANISM",
    14,
    "an ip4 mechanism without address",
    "RFC 7208 section 5.6",
    "Write ip4: followed by the address or network, for example ip4:192.0.2.0/24.",
)
INVALID_IPV6_MECHANISM = _fault(
    "SPF_INVALID_IPV6_MECHANISM",
    15,
    "an ip6 mechanism without address",
    "RFC 7208 section 5.6",
    "Write ip6: followed by the address or network, for example ip6:2001:db8::/32.",
)
INVALID_MECHANISM = _fault(
    "SPF_INVALID_MECHANISM",
    16,
    "an unknown term",
    "RFC 7208 section 4.6.1",
    "Correct or delete the term. Often a colon or a space is missing, or a stray word was pasted "
    "along.",
)
INVALID_IPV4_CIDR = _fault(
    "SPF_INVALID_IPV4_CIDR",
    19,
    "an invalid prefix length",
    "RFC 7208 section 5.6",
    "Write a prefix length from 0 to 32 without leading zeros, or none for a single address.",
)
INVALID_IPV6_CIDR = _fault(
    "SPF_INVALID_IPV6_CIDR",
    20,
    "an invalid prefix length",
    "RFC 7208 section 5.6",
    "Write a prefix length from 0 to 128 without leading zeros, or none for a single address.",
)
INVALID_IPV4_VALUE = _fault(
    "SPF_INVALID_IPV4_VALUE",
    26,
    "an invalid IPv4 address",
    "RFC 7208 section 5.6",
    "Write the four numbers of the address, each from 0 to 255. Host names go into a:.",
)
INVALID_IPV6_VALUE = _fault(
    "SPF_INVALID_IPV6_VALUE",
    27,
    "an invalid IPv6 address",
    "RFC 7208 section 5.6",
    "Correct the address, without brackets. Host names go into a:.",
)
INVALID_PTR_MECHANISM = _fault(
    "SPF_INVALID_PTR_MECHANISM",
    106,
    "an invalid ptr",
    "RFC 7208 section 5.5",
    "Delete the term: ptr should not be used at all.",
)
INVALID_EXISTS_MECHANISM = _fault(
    "SPF_INVALID_EXISTS_MECHANISM",
    107,
    "an invalid exists",
    "RFC 7208 section 5.7",
    "Write exists: followed by a domain name, as the provider gave it to you.",
)
INVALID_EXP_MODIFIER = _fault(
    "SPF_INVALID_EXP_MODIFIER",
    108,
    "an invalid exp",
    "RFC 7208 section 6.2",
    "Write exp= followed by the domain name that holds the explanation, or delete it: few "
    "receivers show explanations.",
)
INVALID_MACRO = _fault(
    "SPF_INVALID_MACRO",
    109,
    "a bad macro",
    "RFC 7208 section 7.1",
    "Copy the macro anew from the provider's instructions. A plain percent sign is written %%.",
)
INVALID_CIDR = _fault(
    "SPF_INVALID_CIDR",
    110,
    "an invalid prefix length",
    "RFC 7208 section 5.3",
    "Write /0 to /32 for IPv4, //0 to //128 for IPv6, or leave the prefix lengths out.",
)
IPV6_IN_IP4 = _fault(
    "SPF_IPV6_IN_IP4",
    111,
    "an IPv6 address in an ip4 mechanism",
    "RFC 7208 section 5.6",
    "Write ip6: before this address.",
)
IPV4_IN_IP6 = _fault(
    "SPF_IPV4_IN_IP6",
    112,
    "an IPv4 address in an ip6 mechanism",
    "RFC 7208 section 5.6",
    "Write ip4: before this address.",
)
DUPLICATE_REDIRECT = _fault(
    "SPF_DUPLICATE_REDIRECT",
    113,
    "a second redirect",
    "RFC 7208 section 6",
    "Keep one redirect. To use several records, include each of them.",
)
DUPLICATE_EXP = _fault(
    "SPF_DUPLICATE_EXP",
    114,
    "a second exp",
    "RFC 7208 section 6",
    "Keep one exp or none.",
)
INVALID_CHARACTER = _fault(
    "SPF_INVALID_CHARACTER",
    115,
    "a term with a character that is not allowed",
    "RFC 7208 section 3.1",
    "Type the term anew in plain ASCII. Tabs, line ends, non-breaking spaces, curly quotes and "
    "long dashes often come along when text is pasted.",
)

BY_CODE = {
    FaultCode.CHARACTER: INVALID_CHARACTER,
    FaultCode.MECHANISM: INVALID_MECHANISM,
    FaultCode.INCLUDE: INVALID_INCLUDE_FORMAT,
    FaultCode.A: INVALID_A_MECHANISM,
    FaultCode.MX: INVALID_MX_MECHANISM,
    FaultCode.PTR: INVALID_PTR_MECHANISM,
    FaultCode.EXISTS: INVALID_EXISTS_MECHANISM,
    FaultCode.REDIRECT: INVALID_REDIRECT_MECHANISM,
    FaultCode.EXP: INVALID_EXP_MODIFIER,
    FaultCode.MACRO: INVALID_MACRO,
    FaultCode.CIDR: INVALID_CIDR,
    FaultCode.IP4_MISSING: INVALID_IPV4_MECHANISM,
    FaultCode.IP4_VALUE: INVALID_IPV4_VALUE,
    FaultCode.IP4_CIDR: INVALID_IPV4_CIDR,
    FaultCode.IP6_MISSING: INVALID_IPV6_MECHANISM,
    FaultCode.IP6_VALUE: INVALID_IPV6_VALUE,
    FaultCode.IP6_CIDR: INVALID_IPV6_CIDR,
    FaultCode.IP6_IN_IP4: IPV6_IN_IP4,
    FaultCode.IP4_IN_IP6: IPV4_IN_IP6,
    FaultCode.DUPLICATE_REDIRECT: DUPLICATE_REDIRECT,
    FaultCode.DUPLICATE_EXP: DUPLICATE_EXP,
}
"""The kind of every fault that a selected record can have."""

KINDS = tuple(BY_CODE.values())
