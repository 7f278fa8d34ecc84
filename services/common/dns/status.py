"""How a lookup ended."""

from enum import StrEnum


class Status(StrEnum):
    """The end of one lookup; only `DETERMINED` ones say anything about the zone."""

    ANSWERED = "ANSWERED"
    NODATA = "NODATA"
    NODATA_UNPROVEN = "NODATA_UNPROVEN"
    NXDOMAIN = "NXDOMAIN"
    BOGUS = "BOGUS"
    SERVFAIL = "SERVFAIL"
    REFUSED = "REFUSED"
    FORMERR = "FORMERR"
    NOTIMP = "NOTIMP"
    BADVERS = "BADVERS"
    NOTAUTH = "NOTAUTH"
    REFERRAL = "REFERRAL"
    TIMEOUT = "TIMEOUT"
    TRUNCATED = "TRUNCATED"
    NETWORK = "NETWORK"
    NOT_ASKED = "NOT_ASKED"
    UNKNOWN = "UNKNOWN"


ABSENT = frozenset({Status.NODATA, Status.NXDOMAIN})
"""Proven emptiness: the only statuses that may be read as "there is none"."""

DETERMINED = ABSENT | {Status.ANSWERED, Status.BOGUS}
"""Statuses on which a grade may rest; every other one means "could not observe"."""
