"""Queries as templates: everything but the id, built once per question."""

import struct

from services.common.dns import rdtypes
from services.common.dns.lookup import Question
from services.common.dns.names import to_wire
from services.common.dns.wire import CD, HEADER_SIZE, RD

UDP_SIZE = 1232
"""Advertised EDNS buffer size: what no path fragments (DNS flag day 2020)."""

_OPT = b"\0" + struct.pack("!HHIH", rdtypes.OPT, UDP_SIZE, 0x8000, 0)
"""Version 0, DO set, no options."""
_HEADERS = {
    (rd, cd, edns): struct.pack("!5H", (RD if rd else 0) | (CD if cd else 0), 1, 0, 0, int(edns))
    for rd in (False, True)
    for cd in (False, True)
    for edns in (False, True)
}


def question_wire(question: Question) -> bytes:
    """The question section: lower-case name, type, class IN. Raises BadNameError, BadTypeError."""
    return to_wire(question.name) + struct.pack("!HH", rdtypes.code(question.rdtype), 1)


def template(
    section: bytes,
    *,
    recursion: bool = True,
    checking_disabled: bool = False,
    edns: bool = True,
) -> bytes:
    """A query for one question section, without its two bytes of id."""
    return _HEADERS[recursion, checking_disabled, edns] + section + (_OPT if edns else b"")


def is_response(response: bytes, section: bytes) -> bool:
    """Whether this is a response to this question section, but for the case of its letters."""
    if len(response) < HEADER_SIZE or not response[2] & 0x80 or response[4:6] != b"\0\1":
        return False
    echoed = response[HEADER_SIZE : HEADER_SIZE + len(section)]
    if echoed == section:
        return True
    return echoed[-4:] == section[-4:] and echoed[:-4].lower() == section[:-4]
