"""What a local machine consists of, and the folder in which it keeps its state."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

from deploy.local.process import LocalError

FOLDER = Path(".dnstats")
PREFIX = "DNSTATS_"
SCANNERS = 2
PROCESSORS = 2
GRADERS = ("spf", "dmarc", "mx")
LOCAL_SETTINGS = {
    "PARTITIONS": "12",
    "REPLICATION": "1",
    "VANTAGE": "local",
    # Nothing starts by itself on somebody's own machine.
    "IMPORT_SCHEDULE": "",
    "RUN_SCHEDULE": "",
    "POLL_SECONDS": "0.2",
}
"""Settings of services on one machine; given DNSTATS_ variables win."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What is wanted. A machine that runs with an equal one is used as it is."""

    resolver: str = ""
    """host:port to ask about the real DNS; "" for a world on loopback."""
    records: str = ""
    """File of records that is the world; "" for the bundled one."""
    scale: int = 1
    """So many times the sites of the bundled world."""
    given: Mapping[str, str] = field(default_factory=dict)
    """DNSTATS_ variables of the caller, without the prefix: they win over everything."""
    code: int = 0
    """When the code was last changed: a machine with older code is started anew."""

    @property
    def in_world(self) -> bool:
        return not (self.resolver or "RESOLVERS" in self.given)


@dataclass(frozen=True, slots=True)
class State:
    """How far the supervisor is: `stage` for people, `fault` where it gave up."""

    stage: str
    setup: Setup
    ready: bool = False
    fault: str = ""


class Home:
    """The folder: pid files, logs, addresses, data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.env_file = self.folder / "env"
        self.supervisor = self.folder / "pids" / "supervisor.json"
        self._state = self.folder / "state.json"

    @property
    def records(self) -> list[Path]:
        """The pid files, the supervisor's not included."""
        return sorted(set((self.folder / "pids").glob("*.json")) - {self.supervisor})

    @property
    def list_file(self) -> Path:
        return self.folder / "world" / "list.csv"

    @property
    def targets_file(self) -> Path:
        return self.folder / "world" / "targets.json"

    def write_state(self, state: State) -> None:
        """Replaces the file at once, so that a reader never sees half of it."""
        work = self._state.with_suffix(".new")
        work.write_text(json.dumps(asdict(state)), "utf-8")
        os.replace(work, self._state)

    def state(self) -> State | None:
        try:
            content: dict[str, Any] = json.loads(self._state.read_text("utf-8"))
            return State(**content | {"setup": Setup(**content["setup"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def forget_state(self) -> None:
        self._state.unlink(missing_ok=True)

    def write_env(self, settings: Mapping[str, str]) -> None:
        """Only the owner may read it: the database's address holds a password."""
        lines = [f"{PREFIX}{name}={value}\n" for name, value in settings.items()]
        self.env_file.touch(0o600)
        self.env_file.write_text("".join(lines), "utf-8")

    def env(self) -> dict[str, str]:
        """The variables that commands need to reach this machine; none where it never ran."""
        if not self.env_file.exists():
            return {}
        lines = self.env_file.read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held by the supervisor as long as it lives. Raises LocalError where another has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            try:
                flock(file, LOCK_EX | LOCK_NB)
            except OSError as error:
                raise LocalError(f"{self.folder} is in use by another supervisor") from error
            yield

    def is_supervised(self) -> bool:
        try:
            with self.lock():
                return False
        except LocalError:
            return True


def given_variables(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(PREFIX): value
        for name, value in sorted(environment.items())
        if name.startswith(PREFIX)
    }


def code_changed(root: Path) -> int:
    """When the newest file of the product was written, in nanoseconds."""
    folders = (root / "services", root / "schemas", root / "deploy" / "local")
    return max(
        (path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*.[ptac]*")),
        default=0,
    )
