"""Remark kinds about what a record's terms lead to, and the limits of following them."""

from services.grader.core.remark import Level, RemarkKind

_GIVES_UP = "Receivers give up on your whole record, and none of its terms protects you. "

TOO_MANY_DNS_LOOKUPS = RemarkKind(
    "SPF_TOO_MANY_DNS_LOOKUPS",
    3,
    Level.FATAL,
    "Evaluating the SPF record of {name} takes {count} DNS lookups, and {limit} are allowed",
    "RFC 7208 section 4.6.4",
    "Receivers stop at the limit and call the record invalid: mail that only a later term would "
    "have authorised fails.",
    "Drop includes of services that no longer send for you, and a, mx and ptr where ip4 and ip6 "
    "can stand. A service may also send under a subdomain with a record of its own.",
)
INCLUDE_RETURNED_MANY_SPF = RemarkKind(
    "SPF_INCLUDE_RETURNED_MANY_SPF",
    6,
    Level.FATAL,
    "{term} in the SPF record of {name} leads to {target}, which has {count} SPF records",
    "RFC 7208 sections 4.5 and 5.2",
    _GIVES_UP + "The fault is in the included domain.",
    "Tell the operator of the included domain, and take the include out until it has one record.",
)
TOO_MANY_A_RECORDS_RETURNED = RemarkKind(
    "SPF_TOO_MANY_A_RECORDS_RETURNED",
    7,
    Level.WARNING,
    "Too many A records",
    "the original system",
    "Nothing: this kind is no longer used.",
    "Nothing.",
    retired="RFC 7208 sets no limit on the addresses of an a mechanism.",
)
TOO_MANY_MX_RECORDS_RETURNED = RemarkKind(
    "SPF_TOO_MANY_MX_RECORDS_RETURNED",
    10,
    Level.FATAL,
    "{term} in the SPF record of {name} leads to {count} mail servers of {target}, and {limit} are "
    "allowed",
    "RFC 7208 section 4.6.4",
    _GIVES_UP.strip(),
    "Replace the term by the addresses that really send mail, as ip4: and ip6:.",
)
NO_RECORD_AT_REDIRECT = RemarkKind(
    "SPF_NO_RECORD_AT_REDIRECT",
    12,
    Level.FATAL,
    "The SPF record of {name} redirects to {target}, which has no SPF record",
    "RFC 7208 section 6.1",
    _GIVES_UP.strip(),
    "Correct the name after redirect=, or publish an SPF record there.",
)
REDIRECT_RETURNED_MANY_SPF = RemarkKind(
    "SPF_REDIRECT_RETURNED_MANY_SPF",
    13,
    Level.FATAL,
    "The SPF record of {name} redirects to {target}, which has {count} SPF records",
    "RFC 7208 sections 4.5 and 6.1",
    _GIVES_UP.strip(),
    "Have the records there merged into one.",
)
NO_MX_RECORDS = RemarkKind(
    "SPF_NO_MX_RECORDS",
    23,
    Level.INFO,
    "{term} in the SPF record of {name} authorises nothing, as {name} has no mail servers",
    "RFC 7208 section 5.4",
    "The term costs a lookup and does nothing.",
    "Delete the term, or name the sending servers by ip4: and ip6:.",
)
NO_A_RECORDS_IN_MECHANISM = RemarkKind(
    "SPF_NO_A_RECORDS_IN_MECHANISM",
    24,
    Level.WARNING,
    "{term} in the SPF record of {name} authorises nothing, as {target} has no address",
    "RFC 7208 sections 5.3, 5.7 and 4.6.4",
    "The server that was meant is not authorised, and receivers allow two such empty lookups only.",
    "Correct the name, or delete the term.",
)
NO_MX_RECORDS_IN_MECHANISM = RemarkKind(
    "SPF_NO_MX_RECORDS_IN_MECHANISM",
    25,
    Level.WARNING,
    "{term} in the SPF record of {name} authorises nothing, as {target} has no mail servers",
    "RFC 7208 sections 5.4 and 4.6.4",
    "The servers that were meant are not authorised, and receivers allow two such empty lookups "
    "only.",
    "Correct the name, or delete the term. A single host goes into a:.",
)
INCLUDE_WITHOUT_RECORD = RemarkKind(
    "SPF_INCLUDE_WITHOUT_RECORD",
    116,
    Level.FATAL,
    "{term} in the SPF record of {name} leads to {target}, which has no SPF record",
    "RFC 7208 section 5.2",
    _GIVES_UP.strip(),
    "Correct the name by the provider's instructions, or delete the include.",
)
INCLUDE_NOT_EXISTING = RemarkKind(
    "SPF_INCLUDE_NOT_EXISTING",
    117,
    Level.FATAL,
    "{term} in the SPF record of {name} leads to {target}, which does not exist",
    "RFC 7208 section 5.2",
    _GIVES_UP.strip(),
    "Correct the name by the provider's instructions, or delete the include: the service may have "
    "closed.",
)
TARGET_PERMERROR = RemarkKind(
    "SPF_TARGET_PERMERROR",
    118,
    Level.FATAL,
    "{term} in the SPF record of {name} leads to a record that receivers give up on: {reason}",
    "RFC 7208 sections 5.2 and 6.1",
    _GIVES_UP + "The fault is in the record that yours leads to.",
    "Tell the operator of that record, and take the term out until it is repaired.",
)
LOOP = RemarkKind(
    "SPF_LOOP",
    119,
    Level.FATAL,
    "{term} in the SPF record of {name} leads back to a record that led there: {path}",
    "RFC 7208 section 4.6.4",
    "Receivers go round in circles until they reach the lookup limit, then give up on the record.",
    "Take out one of the terms that make the circle.",
)
INCLUDE_SELF = RemarkKind(
    "SPF_INCLUDE_SELF",
    120,
    Level.FATAL,
    "{term} in the SPF record of {name} leads to that record itself",
    "RFC 7208 section 4.6.4",
    "Receivers go round in circles until they reach the lookup limit, then give up on the record.",
    "Delete the term.",
)
TOO_MANY_VOID_LOOKUPS = RemarkKind(
    "SPF_TOO_MANY_VOID_LOOKUPS",
    121,
    Level.FATAL,
    "{count} terms of the SPF record of {name} find nothing in DNS, and {limit} are allowed: "
    "{terms}",
    "RFC 7208 section 4.6.4",
    "Receivers that keep this limit give up on your whole record.",
    "Correct or delete the terms that lead to nothing.",
)
NEAR_LOOKUP_LIMIT = RemarkKind(
    "SPF_NEAR_LOOKUP_LIMIT",
    122,
    Level.INFO,
    "Evaluating the SPF record of {name} takes {count} of the {limit} DNS lookups allowed",
    "RFC 7208 section 4.6.4",
    "The record works today. One more term, or one added by a provider that you include, breaks "
    "it.",
    "Drop terms that are no longer needed before you add another.",
)
TARGET_UNREGISTERED = RemarkKind(
    "SPF_TARGET_UNREGISTERED",
    123,
    Level.ERROR,
    "{term} in the SPF record of {name} relies on {domain}, which is not registered",
    "RFC 7208 section 5",
    "Whoever registers that domain can authorise servers to send mail in your name.",
    "Delete the term, or correct the name.",
)
MALFORMED_TARGET = RemarkKind(
    "SPF_MALFORMED_TARGET",
    124,
    Level.ERROR,
    "{term} in the SPF record of {name} names no possible domain name",
    "RFC 7208 section 4.8",
    "Some receivers pass over the term, others give up on the whole record.",
    "Correct the name: no empty part between dots, no part longer than 63 characters.",
)
MACRO = RemarkKind(
    "SPF_MACRO",
    125,
    Level.INFO,
    "{term} in the SPF record of {name} depends on each message and cannot be followed here",
    "RFC 7208 section 7",
    "What this term authorises, and how many lookups lie behind it, is not part of this grade.",
    "Nothing, if the operator of that name is trusted.",
)

KINDS = (
    TOO_MANY_DNS_LOOKUPS,
    INCLUDE_RETURNED_MANY_SPF,
    TOO_MANY_A_RECORDS_RETURNED,
    TOO_MANY_MX_RECORDS_RETURNED,
    NO_RECORD_AT_REDIRECT,
    REDIRECT_RETURNED_MANY_SPF,
    NO_MX_RECORDS,
    NO_A_RECORDS_IN_MECHANISM,
    NO_MX_RECORDS_IN_MECHANISM,
    INCLUDE_WITHOUT_RECORD,
    INCLUDE_NOT_EXISTING,
    TARGET_PERMERROR,
    LOOP,
    INCLUDE_SELF,
    TOO_MANY_VOID_LOOKUPS,
    NEAR_LOOKUP_LIMIT,
    TARGET_UNREGISTERED,
    MALFORMED_TARGET,
    MACRO,
)
