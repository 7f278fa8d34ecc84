"""Pid files name a process only together with its start."""

import json
import signal
import sys
from pathlib import Path

import psutil
import pytest

from deploy.local.process import Child, LocalError, recorded, stop_recorded, wait_until

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return Child("sleeper", SLEEP, tmp_path)


def test_child_is_recorded_while_it_lives(child: Child) -> None:
    child.start()
    found = recorded(child.record)
    assert found is not None
    assert found[0].pid == child.pid
    child.stop()
    assert recorded(child.record) is None
    assert not child.alive()


def test_a_pid_that_started_at_another_time_is_a_stranger(tmp_path: Path) -> None:
    me = psutil.Process()
    record = tmp_path / "me.json"
    content = {"pid": me.pid, "started": me.create_time() - 60, "signal": signal.SIGKILL}
    record.write_text(json.dumps(content), "utf-8")
    assert recorded(record) is None
    assert stop_recorded([record]) == []
    assert not record.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}', '{"pid": -1}'])
def test_a_damaged_record_names_nobody(tmp_path: Path, text: str) -> None:
    record = tmp_path / "damaged.json"
    record.write_text(text, "utf-8")
    assert recorded(record) is None


def test_stop_takes_the_whole_group(tmp_path: Path) -> None:
    code = f"import subprocess; p = subprocess.Popen({SLEEP!r}); print(p.pid, flush=True); p.wait()"
    child = Child("parent", [sys.executable, "-c", code], tmp_path)
    child.start()
    wait_until(lambda: child.tail().splitlines()[:1] != [], child, 20)
    grandchild = psutil.Process(int(child.tail().splitlines()[0]))
    child.stop()
    grandchild.wait(10)
    assert not grandchild.is_running()


def test_waiting_for_what_died_says_how_it_ended(tmp_path: Path) -> None:
    child = Child("broken", [sys.executable, "-c", "import sys; sys.exit('no disk')"], tmp_path)
    child.start()
    with pytest.raises(LocalError, match=r"(?s)broken ended with status 1:.*no disk"):
        wait_until(lambda: False, child, 20)
    child.stop()


def test_waiting_has_an_end(child: Child) -> None:
    child.start()
    with pytest.raises(LocalError, match="was not ready"):
        wait_until(lambda: False, child, 0.05)
    child.stop()


def test_child_ignores_no_signal_forever(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
    child = Child("deaf", [sys.executable, "-c", f"{code}; time.sleep(60)"], tmp_path)
    child.start()
    wait_until(lambda: child.tail() != "", child, 20)
    child.stop(grace=0.1)
    assert child.exit_code() == -signal.SIGKILL


def test_pid_of_what_never_started(child: Child) -> None:
    with pytest.raises(LocalError, match="sleeper was not started"):
        _ = child.pid
    child.stop()
