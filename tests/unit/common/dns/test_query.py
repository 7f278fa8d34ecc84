import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import pytest

from services.common.dns.lookup import Question
from services.common.dns.query import is_response, question_wire, template
from services.common.dns.rdtypes import BadTypeError, code

QUESTION = Question("_dmarc.example.com", "TXT")
SECTION = question_wire(QUESTION)


@pytest.mark.parametrize("cd", [False, True])
@pytest.mark.parametrize("edns", [False, True])
def test_asks_with_recursion_and_dnssec(cd: bool, edns: bool) -> None:
    tail = template(SECTION, checking_disabled=cd, edns=edns)
    query = dns.message.from_wire(b"\x12\x34" + tail)
    assert query.id == 0x1234
    assert query.question[0].name == dns.name.from_text("_dmarc.example.com")
    assert query.question[0].rdtype == dns.rdatatype.TXT
    assert query.flags == dns.flags.RD | (dns.flags.CD if cd else 0)
    assert query.edns == (0 if edns else -1)
    if edns:
        assert (query.payload, query.ednsflags) == (1232, dns.flags.DO)


def _echo(section: bytes = SECTION, flags: bytes = b"\x81\x80", count: bytes = b"\0\1") -> bytes:
    return b"\x12\x34" + flags + count + bytes(6) + section


def test_recognises_its_response_in_any_case() -> None:
    assert is_response(_echo(), SECTION)
    assert is_response(_echo(SECTION.replace(b"example", b"eXAmple")), SECTION)


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(_echo(flags=b"\x01\x80"), id="a query"),
        pytest.param(_echo(question_wire(Question("example.com", "TXT"))), id="other name"),
        pytest.param(_echo(question_wire(Question("_dmarc.example.com", "A"))), id="other type"),
        pytest.param(_echo(SECTION[:-1] + b"\3"), id="other class"),
        pytest.param(_echo(count=b"\0\0"), id="no question"),
        pytest.param(_echo()[:20], id="cut off"),
        pytest.param(b"\x12\x34", id="only an id"),
    ],
)
def test_refuses_what_answers_something_else(response: bytes) -> None:
    assert not is_response(response, SECTION)


def test_type_65_is_not_type_97() -> None:
    https = question_wire(Question("example.com", "HTTPS"))
    assert not is_response(_echo(https[:-4] + b"\x00\x61\x00\x01"), https)


@pytest.mark.parametrize(("mnemonic", "number"), [("TXT", 16), ("TYPE65535", 65535)])
def test_types_have_numbers(mnemonic: str, number: int) -> None:
    assert code(mnemonic) == number


@pytest.mark.parametrize("mnemonic", ["", "txt", "TYPE", "TYPE65536", "TYPE-1", "TYPE²", "NOPE"])
def test_refuses_what_is_no_type(mnemonic: str) -> None:
    with pytest.raises(BadTypeError, match=r"no record type|above"):
        code(mnemonic)
