"""TXT records that were meant to be SPF and are not."""

import re

from services.common.records.spf import VERSION, is_spf

_MEANT = re.compile(
    r"(?P<before>[^0-9a-z]{0,8})(?P<start>v\s*[=:]?\s*spf|spf1[ \t])", re.IGNORECASE | re.ASCII
)
_SENDER_ID = re.compile(r"(?:v=)?spf2\.0/", re.IGNORECASE)
_BLAMED = {" ": "a space", "\t": "a tab", '"': "a quotation mark", "'": "a quotation mark"}


def is_sender_id(text: str) -> bool:
    """Whether it is a record of Sender ID (RFC 4406 section 3.1), or was meant to be."""
    return bool(_SENDER_ID.match(text))


def near_miss(text: str) -> str:
    """Why a receiver does not take this text for SPF although its owner meant it; "" where it is
    SPF, or has nothing to do with it."""
    meant = _MEANT.match(text)
    if meant is None or is_spf(text) or is_sender_id(text):
        return ""
    if before := meant["before"]:
        return "it begins with " + _BLAMED.get(before[0], "a stray character")
    if not text.lower().startswith(VERSION):
        return f"it does not begin with {VERSION}"
    return f"{VERSION} is not followed by a space"
