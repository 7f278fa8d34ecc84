"""Child processes in groups of their own, known afterwards by a pid file.

A pid alone may name a stranger after a reboot, so the file also says when the process started;
only a process that matches both is ever signalled.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

POLL = 0.02
START_TOLERANCE = 1.0
"""Seconds by which a boot clock may shift a process's start time between two readings."""


class LocalError(Exception):
    """A local component cannot be started; the text says which one and why."""


class Child:
    """One process: its output appended to `logs/NAME.log`, its pid in `pids/NAME.json`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = folder / "logs" / f"{name}.log"
        self.record = folder / "pids" / f"{name}.json"
        self._env = None if env is None else dict(env)
        self._cwd = Path("/") if user else cwd
        self._user = user
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Raises LocalError where it was never started."""
        if self._process is None:
            raise LocalError(f"{self.name} was not started")
        return self._process.pid

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.record.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                user=self._user,
                start_new_session=True,
                cwd=self._cwd,
            )
        remember(self.record, self._process.pid, self._stop_signal)

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def ask_to_stop(self) -> None:
        if self._process is not None and self.alive():
            self._process.send_signal(self._stop_signal)

    def stop(self, grace: float = 15.0) -> None:
        """Ask it to end, wait `grace` seconds, then end it and its group."""
        self.ask_to_stop()
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        self.kill()

    def kill(self) -> None:
        """End it and its group at once."""
        if self._process is not None:
            end_group(self._process.pid)
            self._process.wait()
            self.record.unlink(missing_ok=True)

    def tail(self, lines: int = 5) -> str:
        """The end of its log, for an error message."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])


def remember(record: Path, pid: int, stop_signal: signal.Signals = signal.SIGTERM) -> None:
    """Write the pid file of a process that is alive."""
    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(pid).create_time()
        content = {"pid": pid, "started": started, "signal": int(stop_signal)}
        record.write_text(json.dumps(content), "utf-8")


def recorded(record: Path) -> tuple[psutil.Process, signal.Signals] | None:
    """The live process that a pid file names; None where it is gone or the pid is another's."""
    try:
        content = json.loads(record.read_text("utf-8"))
        process = psutil.Process(content["pid"])
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        if abs(process.create_time() - content["started"]) > START_TOLERANCE:
            return None
        return process, signal.Signals(content["signal"])
    except (OSError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        return None


def stop_recorded(records: Sequence[Path], grace: float = 15.0) -> list[str]:
    """End the processes that these pid files name, all at once; returns the names of those that
    were alive. The files are removed."""
    living = [(record, found) for record in records if (found := recorded(record))]
    for _, (process, stop_signal) in living:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(stop_signal)
    psutil.wait_procs([process for _, (process, _) in living], timeout=grace)
    for _, (process, _) in living:
        end_group(process.pid)
    for record in records:
        record.unlink(missing_ok=True)
    return [record.stem for record, _ in living]


def end_group(pid: int) -> None:
    """Kill what is left of the process group that `pid` leads."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def wait_until(ready: Callable[[], bool], child: Child, seconds: float) -> None:
    """Raises LocalError with the end of the child's log when it dies or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not child.alive():
            code = child.exit_code()
            raise LocalError(f"{child.name} ended with status {code}:\n{child.tail()}")
        if time.monotonic() > deadline:
            raise LocalError(f"{child.name} was not ready in {seconds:.0f} s:\n{child.tail()}")
        time.sleep(POLL)
