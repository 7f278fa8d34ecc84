"""The guard refuses what leaves the machine, here and in the processes that tests start."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import loopback


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 53))",
        "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('192.0.2.1', 53))",
        "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 53))",
        "socket.socket(socket.AF_INET6).connect(('::ffff:192.0.2.1', 53))",
        "socket.getaddrinfo('somewhere.example', 53)",
        "socket.gethostbyname('somewhere.example')",
    ],
)
def test_a_started_process_is_refused_and_noted(tmp_path: Path, code: str) -> None:
    log = tmp_path / "refused"
    done = subprocess.run(
        [sys.executable, "-c", f"import socket; {code}"],
        env=os.environ | {loopback.LOG: str(log)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "OutsideLoopbackError" in done.stderr
    assert len(log.read_text("utf-8").splitlines()) == 1


def test_this_process_is_refused_even_if_the_error_is_swallowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(loopback.LOG, str(tmp_path / "refused"))
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(loopback.OutsideLoopbackError),
    ):
        sock.sendto(b"x", ("192.0.2.1", 53))
    assert loopback.attempts() == ["socket.sendto to 192.0.2.1"]


def test_loopback_is_left_alone() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here,
    ):
        there.bind(("127.0.0.1", 0))
        here.connect(there.getsockname())
        here.send(b"x")
        assert there.recv(10) == b"x"
