"""What may go wrong around the services. Each fault lasts some seconds and is taken away again."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import psycopg2
from psycopg2.extensions import connection

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import LocalError
from tests.integration.faults.process import frozen
from tests.integration.faults.rig import Rig
from tests.integration.streams import until

SLICE_STOPPED = 0.16
SLICE_RUNNING = 0.04
LOG_BLOCK = 1 << 20
LOG_BLOCKS = 400
START_SECONDS = 120.0
WRITE_LOG = "SELECT pg_logical_emit_message(false, 'ballast', repeat('x', %s))"

Server: TypeAlias = Kafka | Postgres
Servers: TypeAlias = Callable[[Rig], Sequence[Server]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`happen` brings it about and returns when it is over. `seconds` is how long it lasts in
    tests; `ends` names services that it ends itself."""

    happen: Callable[[Rig, float], None]
    seconds: float
    ends: frozenset[str] = frozenset()
    needs_disks: bool = False


def broker(rig: Rig) -> Sequence[Server]:
    return [rig.kafka]


def database(rig: Rig) -> Sequence[Server]:
    return [rig.postgres]


def both(rig: Rig) -> Sequence[Server]:
    return [rig.kafka, rig.postgres]


def stopped(servers: Servers, rig: Rig, seconds: float) -> None:
    """They end in order, and are started again."""
    for server in servers(rig):
        server.stop()
    time.sleep(seconds)
    _start(servers(rig))


def killed(servers: Servers, rig: Rig, seconds: float) -> None:
    for server in servers(rig):
        server.child.kill()
    time.sleep(seconds)
    _start(servers(rig))


def hung(servers: Servers, rig: Rig, seconds: float) -> None:
    """Connections stay open and are taken, and nothing is ever answered."""
    with frozen([server.child.pid for server in servers(rig)], families=True):
        time.sleep(seconds)


def slow(servers: Servers, rig: Rig, seconds: float) -> None:
    """As on a disk that stalls again and again: the processes stand still for four fifths of the
    time, in slices."""
    until_then = time.monotonic() + seconds
    while time.monotonic() < until_then:
        with frozen([server.child.pid for server in servers(rig)], families=True):
            time.sleep(SLICE_STOPPED)
        time.sleep(SLICE_RUNNING)


def tables_full(rig: Rig, seconds: float) -> None:
    """The database finds no room for rows; its log has some."""
    assert rig.disks
    rig.disks.tables.fill()
    time.sleep(seconds)
    rig.disks.tables.clear()


def database_full(rig: Rig, seconds: float) -> None:
    """Neither rows nor log have room: the server ends, and cannot come back before they have."""
    assert rig.disks
    with closing(psycopg2.connect(rig.postgres.dsn())) as other:
        rig.disks.tables.fill()
        rig.disks.server.fill()
        _use_up_log(other)
    time.sleep(seconds)
    rig.disks.tables.clear()
    rig.disks.server.clear()
    _start([rig.postgres])


def broker_full(rig: Rig, seconds: float) -> None:
    assert rig.disks
    rig.disks.broker.fill()
    time.sleep(seconds)
    rig.disks.broker.clear()
    _start([rig.kafka])


def zombies(names: Sequence[str], rig: Rig, seconds: float) -> None:
    """They stand still in the middle of their work, while others get what they had."""
    with frozen([rig.machine.pid(name) for name in names]):
        time.sleep(seconds)


def _start(servers: Sequence[Server]) -> None:
    """What is still alive goes on. A port may be taken for a while: a client that tries a free
    port of loopback again and again connects to itself one day."""
    for server in servers:
        until(partial(_is_up, server), START_SECONDS)


def _is_up(server: Server) -> bool:
    if not server.child.alive():
        server.start()
    try:
        server.wait()
    except LocalError:
        return False
    return True


def _use_up_log(other: connection) -> None:
    """What another client writes fills the room that the log had set aside."""
    other.autocommit = True
    with suppress(psycopg2.OperationalError), other.cursor() as cursor:
        for _ in range(LOG_BLOCKS):
            cursor.execute(WRITE_LOG, (LOG_BLOCK,))
    assert other.closed, "the log still has room"
