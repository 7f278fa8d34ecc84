"""A running machine whose broker and database belong to the test.

The supervisor looks after the services alone, so that a server stays away as long as a fault wants
it to, and what the services do about it is theirs.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from sqlalchemy import Connection, Engine

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres, data_folder
from services.common.store.database import engine
from services.common.stream.broker import Broker
from tests.integration.faults.disk import Disk, disk
from tests.integration.pipeline import Machine, machine

SLOWLY = {"SITES_IN_FLIGHT": "4"}
"""A run of hundred sites must last long enough to be disturbed."""
BROKER_MEGABYTES = 256
DATABASE_MEGABYTES = 384
TABLES_MEGABYTES = 96
LAST_LINES = 3
_ENDED = re.compile(r"^(\S+) ended with status", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Disks:
    """Of the broker, of the whole database server, and of the database's tables."""

    broker: Disk
    server: Disk
    tables: Disk


@dataclass(frozen=True, slots=True)
class Rig:
    folder: Path
    machine: Machine
    kafka: Kafka
    postgres: Postgres
    disks: Disks | None
    """None where nobody may mount any."""
    engine: Engine

    @property
    def broker(self) -> Broker:
        return Broker(self.kafka.bootstrap)

    def connect(self) -> Connection:
        return self.engine.connect()

    def deaths(self) -> Counter[str]:
        """How often each service has ended so far."""
        log = self._logs / "supervisor.log"
        return Counter(_ENDED.findall(log.read_text("utf-8")))

    @contextmanager
    def last_words(self) -> Iterator[None]:
        """Whatever is raised inside tells what each process said last."""
        try:
            yield
        except Exception as error:
            for log in sorted(self._logs.glob("*.log")):
                said = log.read_text("utf-8").splitlines()[-LAST_LINES:]
                error.add_note("\n".join([f"{log.stem}:", *said]))
            raise

    @property
    def _logs(self) -> Path:
        return self.machine.home.folder / "logs"


@contextmanager
def rig(folder: Path, sites: int) -> Iterator[Rig]:
    """Everything that it starts and mounts is gone afterwards."""
    with ExitStack() as stack:
        disks = _disks(stack, folder)
        kafka = stack.enter_context(Kafka(folder / "kafka", quick=True))
        postgres = stack.enter_context(Postgres(folder / "postgres", durable=False))
        if disks:
            _separate_tables(disks, postgres)
        given = {"KAFKA": kafka.bootstrap, "DATABASE": postgres.dsn()} | SLOWLY
        to = stack.enter_context(machine(folder, given=given))
        to.import_list(sites)
        connections = engine(to.dsn)
        stack.callback(connections.dispose)
        yield Rig(folder, to, kafka, postgres, disks, connections)


def _disks(stack: ExitStack, folder: Path) -> Disks | None:
    try:
        return Disks(
            broker=stack.enter_context(disk(folder / "kafka", BROKER_MEGABYTES)),
            server=stack.enter_context(disk(_of_database(folder, ""), DATABASE_MEGABYTES)),
            tables=stack.enter_context(disk(_of_database(folder, "-tables"), TABLES_MEGABYTES)),
        )
    except PermissionError:
        return None


def _of_database(folder: Path, suffix: str) -> Path:
    """Where the user that runs the server can get to."""
    return data_folder((folder / f"postgres{suffix}").absolute())


def _separate_tables(disks: Disks, postgres: Postgres) -> None:
    """All that is made from now on, so that the tables can run out of room and the log not."""
    place = disks.tables.folder
    owner = disks.server.folder.stat()
    os.chown(place, owner.st_uid, owner.st_gid)
    connection = psycopg2.connect(postgres.dsn("postgres"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLESPACE tables LOCATION %s", (str(place),))
        cursor.execute("ALTER DATABASE dnstats SET default_tablespace = tables")
    connection.close()
