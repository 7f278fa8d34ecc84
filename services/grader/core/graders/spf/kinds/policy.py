"""Remark kinds about what a record says: whom it admits, and what it says in vain."""

from services.grader.core.remark import Level, RemarkKind

HAS_PTR = RemarkKind(
    "SPF_HAS_PTR",
    2,
    Level.DEPRECATION,
    "The SPF record of {name} uses {term}",
    "RFC 7208 section 5.5",
    "The ptr mechanism is slow and unreliable, should not be used, and some receivers pass over "
    "it.",
    "Name the servers by ip4:, ip6:, a: or mx instead.",
)
DEFAULT_ALL_QUALIFIER = RemarkKind(
    "SPF_DEFAULT_ALL_QUALIFIER",
    4,
    Level.ERROR,
    "The SPF record of {name} says nothing about servers that it does not list",
    "RFC 7208 section 4.7",
    "Without all or redirect the answer for everyone else is neutral, as if you had no opinion.",
    "End the record with -all, or with ~all as long as you are not sure that it is complete.",
)
TOO_MANY_ENDINGS = RemarkKind(
    "SPF_TOO_MANY_ENDINGS",
    21,
    Level.WARNING,
    "The SPF record of {name} has {term} after another all",
    "RFC 7208 section 5.1",
    "Only the first all counts; the others are ignored.",
    "Keep the all that you mean, at the end of the record.",
)
TOO_MANY_STARTS = RemarkKind(
    "SPF_TOO_MANY_STARTS",
    22,
    Level.WARNING,
    "The SPF record of {name} has {term} in its middle",
    "RFC 7208 sections 4.5 and 6",
    "Receivers ignore the second version as an unknown modifier. Two records seem to have been "
    "pasted into one.",
    "Delete every v= but the first, and check that the terms after it are meant.",
)
PASS_ALL = RemarkKind(
    "SPF_PASS_ALL",
    126,
    Level.ERROR,
    "The SPF record of {name} admits every server in the world by {term}",
    "RFC 7208 section 5.1",
    "Anyone can send mail in your name, and receivers are told that it is genuine.",
    "Replace the term by -all, or by ~all as long as you are not sure that the record is complete.",
)
NEUTRAL_ALL = RemarkKind(
    "SPF_NEUTRAL_ALL",
    127,
    Level.WARNING,
    "The SPF record of {name} ends with ?all, which takes no position on other servers",
    "RFC 7208 section 8.2",
    "Mail from anyone's server is treated as if you had no opinion, so the record protects little.",
    "Replace ?all by ~all, and later by -all.",
)
SOFTFAIL_ALL = RemarkKind(
    "SPF_SOFTFAIL_ALL",
    128,
    Level.INFO,
    "The SPF record of {name} ends with ~all, which only doubts other servers",
    "RFC 7208 section 8.5",
    "Mail from other servers is marked as doubtful, and most receivers accept it.",
    "Once all your servers are listed, replace ~all by -all, or let a DMARC policy of reject say "
    "so.",
)
INCLUDE_PASSES_ALL = RemarkKind(
    "SPF_INCLUDE_PASSES_ALL",
    129,
    Level.ERROR,
    "{term} in the SPF record of {name} includes a record that admits every server in the world",
    "RFC 7208 section 5.2",
    "Anyone can send mail in your name, whatever your own record says after this term.",
    "Delete the include, and tell the operator of the included domain.",
)
EVERY_ADDRESS = RemarkKind(
    "SPF_EVERY_ADDRESS",
    130,
    Level.ERROR,
    "The SPF record of {name} lists every IPv{version} address there is, without all",
    "RFC 7208 section 5.6",
    "Anyone can send mail in your name, and receivers are told that it is genuine.",
    "List the addresses that really send your mail.",
)
TOO_WIDE = RemarkKind(
    "SPF_TOO_WIDE",
    131,
    Level.ERROR,
    "{term} in the SPF record of {name} admits a very large network",
    "RFC 7208 section 5.6",
    "Very many machines that are not yours may send mail in your name.",
    "Check the number after the slash, and list only the addresses that really send your mail.",
)
PRIVATE_RANGE = RemarkKind(
    "SPF_PRIVATE_RANGE",
    132,
    Level.WARNING,
    "{term} in the SPF record of {name} is no address of the public Internet",
    "RFC 6890 section 2.2",
    "No mail can arrive from such an address, so the term does nothing and shows how your inner "
    "network is numbered.",
    "Delete the term, or put the public address of your mail server in its place.",
)
TERMS_AFTER_ALL = RemarkKind(
    "SPF_TERMS_AFTER_ALL",
    133,
    Level.WARNING,
    "The SPF record of {name} has terms after {all}, which are ignored: {terms}",
    "RFC 7208 section 5.1",
    "Servers that these terms list are not authorised.",
    "Move all to the end of the record, or delete what follows it.",
)
REDIRECT_WITH_ALL = RemarkKind(
    "SPF_REDIRECT_WITH_ALL",
    134,
    Level.INFO,
    "The SPF record of {name} has both {all} and {term}, and the redirect is ignored",
    "RFC 7208 section 6.1",
    "Nothing of the record that the redirect names is used.",
    "Delete either the redirect or all, whichever you do not mean.",
)
MECHANISM_AS_MODIFIER = RemarkKind(
    "SPF_MECHANISM_AS_MODIFIER",
    135,
    Level.ERROR,
    "The SPF record of {name} has {term} with an equals sign, and receivers ignore it",
    "RFC 7208 sections 4.6.1 and 6",
    "The servers that the term was meant to list are not authorised.",
    "Write a colon in place of the equals sign.",
)
UNKNOWN_MODIFIER = RemarkKind(
    "SPF_UNKNOWN_MODIFIER",
    136,
    Level.INFO,
    "The SPF record of {name} has the unknown modifier {term}",
    "RFC 7208 section 6",
    "Receivers ignore it.",
    "Delete it, unless you know what it is for.",
)
HOST_BITS = RemarkKind(
    "SPF_HOST_BITS",
    137,
    Level.INFO,
    "{term} in the SPF record of {name} means {network}",
    "RFC 7208 section 5.6",
    "The bits after the prefix length are ignored. If one address was meant, the term admits more.",
    "Write the network as it is meant, or leave the prefix length out for one address.",
)
DUPLICATE_TERM = RemarkKind(
    "SPF_DUPLICATE_TERM",
    138,
    Level.INFO,
    "The SPF record of {name} has {term} more than once",
    "RFC 7208 section 4.6.4",
    "The repetition authorises nothing new, and costs another lookup where the term needs one.",
    "Delete the repetition.",
)
REDUNDANT_ADDRESS = RemarkKind(
    "SPF_REDUNDANT_ADDRESS",
    139,
    Level.INFO,
    "{term} in the SPF record of {name} lies within {other}",
    "RFC 7208 section 3.4",
    "The term authorises nothing new and makes the record longer.",
    "Delete the term.",
)
NULL_RECORD = RemarkKind(
    "SPF_NULL_RECORD",
    140,
    Level.INFO,
    "{name} says that it sends no mail at all",
    "RFC 7208 section 5.1; RFC 7505",
    "Receivers can refuse all mail that claims to come from this domain: the best a domain "
    "without outgoing mail can say.",
    "Nothing, if the domain sends no mail.",
)
NULL_RECORD_WITH_MX = RemarkKind(
    "SPF_NULL_RECORD_WITH_MX",
    141,
    Level.INFO,
    "{name} says that it sends no mail at all, but has mail servers",
    "RFC 7208 section 5.1",
    "Every mail that is sent in the name of this domain fails SPF, replies of your own included.",
    "Nothing, if the domain only receives. If it also sends, list the servers before -all.",
)

EXISTS_PASSES_ALL = RemarkKind(
    "SPF_EXISTS_PASSES_ALL",
    142,
    Level.ERROR,
    "{term} in the SPF record of {name} admits every server in the world, as that name exists",
    "RFC 7208 section 5.7",
    "Anyone can send mail in your name, whatever your record says after this term.",
    "Delete the term. To admit the server of that name, write a: in place of exists:.",
)

KINDS = (
    HAS_PTR,
    DEFAULT_ALL_QUALIFIER,
    TOO_MANY_ENDINGS,
    TOO_MANY_STARTS,
    PASS_ALL,
    NEUTRAL_ALL,
    SOFTFAIL_ALL,
    INCLUDE_PASSES_ALL,
    EVERY_ADDRESS,
    TOO_WIDE,
    PRIVATE_RANGE,
    TERMS_AFTER_ALL,
    REDIRECT_WITH_ALL,
    MECHANISM_AS_MODIFIER,
    UNKNOWN_MODIFIER,
    HOST_BITS,
    DUPLICATE_TERM,
    REDUNDANT_ADDRESS,
    NULL_RECORD,
    NULL_RECORD_WITH_MX,
    EXISTS_PASSES_ALL,
)
