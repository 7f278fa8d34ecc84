"""The wrong clock of processes that tests start."""

import os
import subprocess
import sys
import time

import pytest

from tests.clock import SHIFT

CODE = """
import time
from datetime import UTC, datetime
from time import time_ns
made = datetime(2026, 1, 1, tzinfo=UTC)
assert isinstance(made, datetime) and isinstance(datetime.now(UTC) - made, object)
print(time.time(), time_ns() / 1e9, datetime.now(UTC).timestamp(), datetime.now().timestamp())
"""


@pytest.mark.parametrize("seconds", [-60, 0, 31_536_000])
def test_a_started_process_is_wrong_whatever_it_asks(seconds: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=os.environ | {SHIFT: str(seconds)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = [float(word) - time.time() - seconds for word in done.stdout.split()]
    assert max(map(abs, told)) < 10
    assert len(told) == 4
