"""Where the tests' broker and database come from.

In this order: TEST_KAFKA (bootstrap) and TEST_DATABASE (DSN) as given; containers where
TEST_BACKEND=container; processes of this machine. Nothing here reads a DNSTATS_ variable: a test
never touches what `make run` or an operator uses.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

import pytest

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import LocalError


@contextmanager
def broker(folder: Path) -> Iterator[tuple[str, str]]:
    """Bootstrap address and the words by which the session says where it came from."""
    if given := os.environ.get("TEST_KAFKA"):
        yield given, "given by TEST_KAFKA"
    elif _containers():
        from tests import containers

        with containers.kafka() as bootstrap:
            yield bootstrap, "a container"
    else:
        with Kafka(folder / "kafka", quick=True) as local:
            yield local.bootstrap, "a process of this machine"


@contextmanager
def database_server(folder: Path) -> Iterator[tuple[str, str]]:
    """DSN of a database in which databases may be made, and where it came from."""
    if given := os.environ.get("TEST_DATABASE"):
        yield refuse_unless_test(given), "given by TEST_DATABASE"
    elif _containers():
        from tests import containers

        with containers.postgres() as dsn:
            yield dsn, "a container"
    else:
        with Postgres(folder / "postgres", durable=False) as local:
            yield local.dsn("postgres"), "a process of this machine"


def refuse_unless_test(dsn: str) -> str:
    """The DSN again; raises ValueError where its database may be somebody's."""
    name = urlsplit(dsn).path.lstrip("/")
    if not name.endswith("_test"):
        raise ValueError(f"TEST_DATABASE names the database {name!r}: it must end in _test")
    return dsn


def with_database(dsn: str, name: str) -> str:
    """The same server and user, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


def unavailable(what: str, error: LocalError) -> NoReturn:
    """Skips the test, or fails it where the caller must have real services."""
    if os.environ.get("TEST_REQUIRE_SERVICES") == "1":
        pytest.fail(f"no {what}: {error}")
    pytest.skip(f"no {what}: {error}")


def _containers() -> bool:
    return os.environ.get("TEST_BACKEND") == "container"
