import socket

import pytest

from services.scanner.adapters.endpoints import BadEndpointError, Endpoint, endpoint, endpoints


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.0.2.1:5353", "192.0.2.1", 5353),
        ("192.0.2.1", "192.0.2.1", 53),
        ("[2001:db8::1]:5353", "2001:db8::1", 5353),
        ("[2001:DB8:0::1]", "2001:db8::1", 53),
        ("2001:db8::1", "2001:db8::1", 53),
        (" 192.0.2.1:53 ", "192.0.2.1", 53),
    ],
)
def test_reads_an_address(text: str, host: str, port: int) -> None:
    read = endpoint(text)
    assert read == Endpoint(host, port)
    assert endpoint(str(read)) == read


def test_knows_its_family() -> None:
    assert endpoint("192.0.2.1").family is socket.AF_INET
    assert endpoint("::1").family is socket.AF_INET6


def test_reads_several() -> None:
    assert endpoints("192.0.2.1:1, [::1]:2") == (Endpoint("192.0.2.1", 1), Endpoint("::1", 2))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "resolver.example:53",
        "192.0.2:53",
        "192.0.2.1:",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:0000000070000",
        "192.0.2.1:-1",
        "192.0.2.1:5²",
        "[2001:db8::1",
        "[2001:db8::1]53",
        "2001:db8::zz",
        "192.0.2.1,",
    ],
)
def test_says_what_is_no_address(text: str) -> None:
    with pytest.raises(BadEndpointError, match=r"is no address: 192\.0\.2\.1:53 or"):
        endpoints(text)
