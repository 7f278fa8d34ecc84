"""The supervised machine of `make run`: restarts what dies, and leaves nothing running."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.down import down
from deploy.local.machine import up
from deploy.local.process import LocalError, recorded
from deploy.local.setup import Home, Setup

pytestmark = [pytest.mark.services, pytest.mark.timeout(180)]

SERVICES = {
    "scheduler",
    "scanner-1",
    "scanner-2",
    "processor-1",
    "processor-2",
    "grader-spf",
    "grader-dmarc",
    "grader-mx",
    "world",
}


@pytest.fixture
def setup(kafka: str, database: str, topic_prefix: str) -> Setup:
    """Given addresses win: only the world and the services are started."""
    given = {"KAFKA": kafka, "DATABASE": database, "TOPIC_PREFIX": topic_prefix}
    return Setup(given=given)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / ".dnstats")
    yield home
    down(home)


def pids(home: Home) -> dict[str, int]:
    found = {record.stem: recorded(record) for record in home.records}
    return {name: alive[0].pid for name, alive in found.items() if alive}


def wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_machine_is_used_again_restarts_what_dies_and_ends(home: Home, setup: Setup) -> None:
    up(home, setup, lambda stage: None)
    before = pids(home)
    assert before.keys() == SERVICES
    assert home.env()["DNSTATS_KAFKA"] == setup.given["KAFKA"]
    assert home.env_file.stat().st_mode & 0o077 == 0

    os.kill(before["scanner-1"], signal.SIGKILL)
    wait(lambda: pids(home).get("scanner-1", before["scanner-1"]) != before["scanner-1"])
    restarted = pids(home)
    up(home, setup, lambda stage: None)
    assert pids(home) == restarted

    assert set(down(home)) == SERVICES
    assert pids(home) == {}
    assert not any(psutil.pid_exists(pid) for pid in restarted.values())


def test_what_a_killed_supervisor_left_is_ended(home: Home, setup: Setup) -> None:
    up(home, setup, lambda stage: None)
    left = pids(home)
    supervisor = recorded(home.supervisor)
    assert supervisor is not None
    supervisor[0].kill()
    supervisor[0].wait(10)
    assert pids(home) == left

    up(home, setup, lambda stage: None)
    assert not any(psutil.pid_exists(pid) for pid in left.values())
    assert pids(home).keys() == SERVICES


def test_what_cannot_start_is_told_and_ended(home: Home, setup: Setup) -> None:
    bad = Setup(given={**setup.given, "DATABASE": "postgresql://nobody@127.0.0.1:1/none"})
    with pytest.raises(LocalError, match="database migrate"):
        up(home, bad, lambda stage: None)
    wait(lambda: not home.is_supervised())
    assert pids(home) == {}
