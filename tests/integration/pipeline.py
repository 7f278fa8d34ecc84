"""A whole local machine for tests, and the tables that a run leaves behind."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select

from deploy.local.down import down, remove
from deploy.local.machine import up
from deploy.local.process import Child, LocalError, recorded
from deploy.local.setup import PREFIX, Home, Setup
from services.common.store import tables
from services.common.store.database import engine
from tests.loopback import LOG

ROOT = Path(__file__).parents[2]

OBSERVATION_COLUMNS = {
    "run_sites": {"run_id", "site_id", "batch"},
    "failures": {"run_id", "site_id"},
    "site_runs": {
        "run_id",
        "site_id",
        "scan_id",
        "started_at",
        "finished_at",
        "source_topic",
        "source_partition",
        "source_offset",
    },
    "grades": {"run_id", "site_id", "scan_id", "finished_at", "graded_at"},
    "remarks": {"run_id", "site_id"},
}
"""Columns in which two runs over the same world differ: times, numbers given out anew, and the
batch, because every run shuffles its sites."""

Rows = dict[str, list[tuple[Any, ...]]]
Deaths = Counter[tuple[str, int]]
"""By process and exit status."""
_DEATH = re.compile(r"^(\S+) ended with status (-?\d+)", re.MULTILINE)


class Machine:
    """Broker, database, world and services, supervised, in a folder of their own. Commands run
    the code in `root` with the variables `extra`; the supervised services are always ours."""

    def __init__(self, home: Home, root: Path = ROOT, **extra: str) -> None:
        self.home = home
        self._root = root
        self._extra = extra
        self._env = home.env() | extra

    def with_code(self, root: Path) -> "Machine":
        """The same machine, its commands those of another release."""
        return Machine(self.home, root, **self._extra)

    def with_env(self, **extra: str) -> "Machine":
        """The same machine, its commands with these variables too."""
        return Machine(self.home, self._root, **(self._extra | extra))

    @property
    def dsn(self) -> str:
        return self._env["DNSTATS_DATABASE"]

    @property
    def bootstrap(self) -> str:
        return self._env["DNSTATS_KAFKA"]

    def dnstats(self, *arguments: str) -> str:
        """What a command says on stdout. Raises LocalError where it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "services.cli", *arguments],
            env=self._environment(),
            cwd=self._root,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if done.returncode:
            raise LocalError(f"dnstats {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, name: str, *arguments: str, **settings: str) -> Child:
        """One more process of `dnstats ARGUMENTS`, not supervised, that ends with the machine.
        `settings` are DNSTATS_ variables without the prefix."""
        command = [sys.executable, "-m", "services.cli", *arguments]
        given = {f"{PREFIX}{key}": value for key, value in settings.items()}
        env = self._environment() | given
        child = Child(name, command, self.home.folder, env=env, cwd=self._root)
        child.start()
        return child

    def import_list(self, sites: int) -> None:
        """The first `sites` of the world's list."""
        lines = self.home.list_file.read_text("utf-8").splitlines(keepends=True)
        part = self.home.folder / f"first-{sites}.csv"
        part.write_text("".join(lines[:sites]), "utf-8")
        self.dnstats("sites", "import", str(part), "--force")

    def start_run(self, *arguments: str) -> int:
        return int(json.loads(self.dnstats("runs", "start", "--json", *arguments))["run"])

    def pid(self, name: str) -> int:
        """Raises LocalError where the process is not alive."""
        found = self.living(name)
        if found is None:
            raise LocalError(f"{name} is not alive")
        return found

    def living(self, name: str) -> int | None:
        """The pid of the process, if it is alive."""
        found = recorded(self.home.folder / "pids" / f"{name}.json")
        return found[0].pid if found else None

    def deaths(self) -> Deaths:
        """The processes that the supervisor saw end, since it began."""
        log = (self.home.folder / "logs" / "supervisor.log").read_text("utf-8")
        return Counter((name, int(status)) for name, status in _DEATH.findall(log))

    def connect(self) -> Connection:
        return engine(self.dsn).connect()

    def _environment(self) -> dict[str, str]:
        """Only what commands need, the guard against packets that leave the machine included."""
        guard = {name: os.environ[name] for name in ("PYTHONPATH", LOG) if name in os.environ}
        return {"PATH": "/usr/bin:/bin", **guard, **self._env}


@contextmanager
def machine(
    folder: Path, scale: int = 1, given: Mapping[str, str] | None = None
) -> Iterator[Machine]:
    """Ends and removes everything that it started, whatever happens inside. `given` settings win
    (names without the prefix)."""
    home = Home(folder / ".dnstats")
    try:
        up(home, Setup(scale=scale, given=given or {}), lambda stage: None)
        yield Machine(home)
    finally:
        down(home)
        remove(home)


def rows_of(connection: Connection, run: int, but: Mapping[str, set[str]] | None = None) -> Rows:
    """Every row of a run, by table, keyed by domain and without the observation columns, nor the
    columns in `but`."""
    return {
        name: _rows(
            connection,
            tables.metadata.tables[name],
            left_out | (but or {}).get(name, set()),
            run,
        )
        for name, left_out in OBSERVATION_COLUMNS.items()
    }


def differences(before: Rows, after: Rows) -> list[str]:
    """Rows of the one that the other has not, in words."""
    found: list[str] = []
    for name, rows in before.items():
        one, other = set(rows), set(after[name])
        if len(one) != len(rows) or len(other) != len(after[name]):
            found.append(f"{name}: a row occurs twice")
        found += [f"{name} lost {row}" for row in sorted(one - other)]
        found += [f"{name} gained {row}" for row in sorted(other - one)]
    return found


def _rows(
    connection: Connection, table: Table, left_out: set[str], run: int
) -> list[tuple[Any, ...]]:
    columns = [column for column in table.columns if column.name not in left_out]
    sites = tables.run_sites
    query = (
        select(sites.c.domain, *columns)
        .join_from(table, sites, sites.c.site_id == table.c.site_id)
        .where(table.c.run_id == run, sites.c.run_id == run)
    )
    if table is sites:
        query = select(*columns).where(sites.c.run_id == run)
    return sorted(tuple(map(_comparable, row)) for row in connection.execute(query))


def _comparable(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
