"""Remark kinds about finding the one record that counts."""

from services.grader.core.remark import Level, RemarkKind

NONE = RemarkKind(
    "SPF_NONE",
    0,
    Level.FATAL,
    "None",
    "the original system",
    "Nothing: this kind is no longer used.",
    "Nothing.",
    retired="It never had a rule; SPF_NO_SPF_FOUND says what it was meant to say.",
)
INVALID_RECORD_START = RemarkKind(
    "SPF_INVALID_RECORD_START",
    1,
    Level.ERROR,
    "{name} has a TXT record that looks like SPF but is not taken for it, because {reason}: {text}",
    "RFC 7208 section 4.5",
    "Receivers pass over this record as if it were not there.",
    "Let the record begin with v=spf1, in these six characters, followed by one space.",
)
MULTIPLE_SPF_RECORDS = RemarkKind(
    "SPF_MULTIPLE_SPF_RECORDS",
    17,
    Level.FATAL,
    "{name} has {count} SPF records",
    "RFC 7208 section 4.5",
    "Receivers may not choose between several records: they give up and none of them protects you.",
    "Merge all terms into one record with one v=spf1 and one all, and delete the others.",
)
NO_SPF_FOUND = RemarkKind(
    "SPF_NO_SPF_FOUND",
    18,
    Level.FATAL,
    "{name} has no SPF record",
    "RFC 7208 section 4.5",
    "Receivers cannot tell your servers from those of anyone who writes your domain as the sender.",
    "Publish one TXT record: v=spf1, the servers that send your mail, then -all. If the domain "
    "never sends mail, v=spf1 -all is enough.",
)
NOT_OBSERVED = RemarkKind(
    "SPF_NOT_OBSERVED",
    100,
    Level.INFO,
    "The {rdtype} records of {name} could not be observed: {status}",
    "RFC 7208 section 4.4",
    "We had no usable answer, so we do not know what receivers see. If it happens to them too, "
    "they postpone or mistrust your mail.",
    "Nothing, if the next run finds an answer. If it lasts, have the name servers of that name "
    "checked.",
)
BOGUS = RemarkKind(
    "SPF_BOGUS",
    101,
    Level.FATAL,
    "The {rdtype} records of {name} fail DNSSEC validation",
    "RFC 4035 section 5.5; RFC 7208 section 4.4",
    "Receivers that validate DNSSEC get no answer and cannot evaluate your SPF record.",
    "Have the operator of that zone repair its signatures or the DS record at its parent.",
)
SENDER_ID = RemarkKind(
    "SPF_SENDER_ID",
    102,
    Level.DEPRECATION,
    "{name} has a Sender ID record: {text}",
    "RFC 4406; RFC 6686 section 5",
    "Sender ID is abandoned. Hardly any receiver reads spf2.0 records.",
    "Delete the spf2.0 record and keep the v=spf1 one.",
)
VERSION_CASE = RemarkKind(
    "SPF_VERSION_CASE",
    103,
    Level.INFO,
    "The SPF record of {name} begins with {version} instead of v=spf1",
    "RFC 7208 section 4.5; RFC 5234 section 2.3",
    "The standard allows capital letters here, but some simple tools search for v=spf1 only.",
    "Write v=spf1 in small letters.",
)
LONG_RECORD = RemarkKind(
    "SPF_LONG_RECORD",
    104,
    Level.INFO,
    "The SPF record of {name} has {size} bytes, more than the 450 that are advised",
    "RFC 7208 section 3.4",
    "The answer may no longer fit one small DNS packet, and some old firewalls drop larger ones.",
    "Drop terms that are no longer needed, or join neighbouring networks into one.",
)
TOO_LONG_RECORD = RemarkKind(
    "SPF_TOO_LONG_RECORD",
    105,
    Level.WARNING,
    "The SPF record of {name} has {size} bytes and cannot fit a DNS packet of 512",
    "RFC 7208 section 3.4",
    "Receivers must ask again by TCP or with larger packets. Where a firewall stops that, your "
    "SPF check fails.",
    "Shorten the record below 450 bytes: drop terms that are no longer needed, join neighbouring "
    "networks, or move groups of addresses into a record of their own and include it.",
)

KINDS = (
    NONE,
    INVALID_RECORD_START,
    MULTIPLE_SPF_RECORDS,
    NO_SPF_FOUND,
    NOT_OBSERVED,
    BOGUS,
    SENDER_ID,
    VERSION_CASE,
    LONG_RECORD,
    TOO_LONG_RECORD,
)
