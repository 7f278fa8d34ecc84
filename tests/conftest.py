"""Fixtures that every test may ask for, and the guard against packets that leave the machine."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

from deploy.local.postgres import create_database, drop_database
from deploy.local.process import LocalError
from tests import backends, loopback

settings.register_profile("dnstats", deadline=None)
settings.load_profile("dnstats")

_sources: dict[str, str] = {}


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # workers inherit what the first process set
        folder = Path(tempfile.mkdtemp(prefix="dnstats-guard-"))
        config.add_cleanup(lambda: shutil.rmtree(folder))
        loopback.watch_all(folder / "refused")


@pytest.fixture(scope="session")
def services_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="session")
def kafka(services_folder: Path) -> Iterator[str]:
    """Bootstrap address of a real broker, shared by the session: keep apart by `topic_prefix`."""
    try:
        with backends.broker(services_folder) as (bootstrap, source):
            _sources["broker"] = source
            yield bootstrap
    except LocalError as error:
        backends.unavailable("broker", error)


@pytest.fixture
def topic_prefix() -> str:
    """Starts the names of all topics and consumer groups of one test."""
    return f"t{uuid4().hex[:10]}-"


@pytest.fixture(scope="session")
def database_server(services_folder: Path) -> Iterator[str]:
    """DSN on a real server that allows databases to be made."""
    try:
        with backends.database_server(services_folder) as (dsn, source):
            _sources["database"] = source
            yield dsn
    except LocalError as error:
        backends.unavailable("database", error)


@pytest.fixture(scope="session")
def migrated_template(database_server: str) -> Iterator[str]:
    """Name of a database with every migration applied, to be copied."""
    from services.common.store.database import engine, migrate

    name = f"dnstats_{uuid4().hex[:10]}_test"
    create_database(database_server, name)
    connections = engine(backends.with_database(database_server, name))
    migrate(connections)
    connections.dispose()
    yield name
    drop_database(database_server, name)


@pytest.fixture
def database(database_server: str, migrated_template: str) -> Iterator[str]:
    """DSN of a fresh, migrated database of this test's own."""
    name = f"dnstats_{uuid4().hex[:10]}_test"
    create_database(database_server, name, template=migrated_template)
    yield backends.with_database(database_server, name)
    drop_database(database_server, name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for what, source in sorted(_sources.items()):
        terminalreporter.write_line(f"{what}: {source}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    refused = loopback.attempts()
    if refused and not hasattr(session.config, "workerinput"):
        print(f"\nRefused outside loopback: {', '.join(refused)}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
