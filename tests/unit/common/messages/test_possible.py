import pytest

from services.common.messages.envelope import Headers, Incoming, InvalidError, run_header
from services.common.messages.possible import check_run, check_site


def _message(headers: Headers) -> Incoming:
    return Incoming("in", 0, 0, None, b"?", headers, 0)


@pytest.mark.parametrize("headers", [(), (run_header(7),), (("other", b"8"), run_header(7))])
def test_header_and_content_agree(headers: Headers) -> None:
    check_run(_message(headers), 7)


@pytest.mark.parametrize(
    ("headers", "run", "why"),
    [
        ((run_header(8),), 7, "it is of run 7, its header says b'8'"),
        ((("run_id", b""),), 7, "its header says b''"),
        ((("run_id", b"07"),), 7, "its header says b'07'"),
        ((), -1, "run -1 is impossible"),
        ((run_header(-1),), -1, "run -1 is impossible"),
    ],
)
def test_a_message_of_another_run_than_it_says_is_refused(
    headers: Headers, run: int, why: str
) -> None:
    with pytest.raises(InvalidError, match=why):
        check_run(_message(headers), run)


def test_a_site_is_possible() -> None:
    check_site(0, "a.test")
    check_site(2**62, "xn--bcher-kva.test")


@pytest.mark.parametrize(
    ("site", "domain", "why"),
    [
        (-1, "a.test", "site -1 is impossible"),
        (1, "A.test", "'A.test': it is not in its normal form"),
        (1, "a.test.", "not in its normal form"),
        (1, "", "domain ''"),
        (1, "a..test", "empty label"),
        (1, "x" * 64 + ".test", "longer than 63"),
        (1, "a\x00.test", "a"),
        (1, "ä.test", "outside ASCII"),
    ],
)
def test_an_impossible_site_is_refused(site: int, domain: str, why: str) -> None:
    with pytest.raises(InvalidError, match=why):
        check_site(site, domain)
