"""A domain as somebody wrote it, to the name of a site."""

import re

import idna

from services.common.dns.names import BadNameError, normalise

_HOST = re.compile(r"(?:[a-z0-9_-]+\.)*[a-z0-9_-]+")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def site_name(text: str) -> str:
    """The name in lower case, internationalised labels as A-labels (UTS 46, RFC 5891).

    Raises BadNameError for the root, an address, a URL, and whatever else is no host name.
    """
    name = text.strip().removesuffix(".").lower()
    if not name.isascii():
        name = _to_ascii(name)
    if not _HOST.fullmatch(name):
        raise BadNameError(f"{text[:80]!r} is no domain name: {_first_fault(name)}")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        raise BadNameError(f"{text[:80]!r} ends in a number, as only addresses do")
    return normalise(name)


def _to_ascii(name: str) -> str:
    try:
        return idna.encode(name, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise BadNameError(f"{name[:80]!r} is no internationalised name: {error}") from error


def _first_fault(name: str) -> str:
    if not name:
        return "it is empty"
    strange = re.search(r"[^a-z0-9_.-]", name)
    return f"it holds {strange[0]!r}" if strange else "it has an empty label"
