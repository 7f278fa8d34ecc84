"""A list, topics and the scheduler's parts on real components, for tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from services.cli.__main__ import build
from services.common.messages import scan_request
from services.common.messages.envelope import BrokenError
from services.common.messages.scan_request import ScanRequest
from services.common.messages.topics import SCAN_REQUESTS, TOPICS
from services.common.store import grades, site_runs
from services.common.store.database import engine as connect
from services.common.stream import topics
from services.common.stream.broker import Broker
from services.scheduler.adapters.plans import Rates, StoredPlans
from services.scheduler.adapters.runs import StoredRuns
from services.scheduler.adapters.topics import BrokerTopics
from services.scheduler.core.order import Order
from services.scheduler.core.ranked_list import ListInfo
from services.scheduler.core.run import Run
from services.scheduler.handler.lists import Importer
from tests.integration.streams import read_all, until
from tests.unit.processor.contract import ROW

PARTITIONS = 4
GRADERS = ("spf", "mx")

Dnstats = Callable[..., Result]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Installation:
    """A database with a list, and topics of its own."""

    database: str
    engine: Engine
    broker: Broker
    runs: StoredRuns
    plans: StoredPlans
    topics: BrokerTopics

    def plan(self, top: int = 1_000_000, batch_size: int | None = None) -> Run:
        return self.run(self.plans.plan(Order(top, batch_size, GRADERS), None, now()))

    def run(self, number: int) -> Run:
        found = self.runs.load(number)
        assert found is not None
        return found

    def requests(self) -> list[ScanRequest]:
        """Every batch that was published."""
        return [scan_request.decode(value) for value, _ in read_all(self.broker, SCAN_REQUESTS)]

    def query(self, sql: str, **given: object) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(sql), given))

    def store(self, run: Run, domains: list[str], graders: tuple[str, ...] = GRADERS) -> None:
        """What processor and graders would store of these sites."""
        ids = {
            row.domain: row.site_id
            for row in self.query(
                "SELECT domain, site_id FROM run_sites WHERE run_id = :run", run=run.id
            )
        }
        rows = [
            replace(ROW, run_id=run.id, site_id=ids[domain], domain=domain) for domain in domains
        ]
        with self.engine.begin() as connection:
            site_runs.upsert(connection, rows)
            for grader in graders:
                grades.replace(connection, [_grade(run.id, ids[name], grader) for name in domains])


@contextmanager
def installation(database: str, kafka: str, prefix: str, sites: int) -> Iterator[Installation]:
    broker = Broker(kafka, prefix)
    topics.apply(broker, topics.Layout(PARTITIONS, 1))
    at_broker = BrokerTopics(broker)
    until(lambda: all(_led(at_broker, topic) for topic in TOPICS))
    engine = connect(database)
    plans = StoredPlans(engine, Rates(1000, 100))
    lines = (b"%d,s%d.test\n" % (rank, rank) for rank in range(1, sites + 1))
    info = ListInfo("list.csv", "list.csv", date(2026, 11, 24), bytes(32))
    Importer(plans, now).run(info, lines)
    yield Installation(database, engine, broker, StoredRuns(engine, now), plans, at_broker)
    engine.dispose()


def commands(at: Installation, folder: Path, patch: pytest.MonkeyPatch) -> Dnstats:
    """`dnstats` in this process, in a folder without settings of its own."""
    patch.chdir(folder)
    patch.setenv("DNSTATS_DATABASE", at.database)
    patch.setenv("DNSTATS_KAFKA", at.broker.bootstrap)
    patch.setenv("DNSTATS_TOPIC_PREFIX", at.broker.prefix)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(build(arguments[0]), list(arguments))

    return run


class Scheduler:
    """`dnstats scheduler` as a process of its own; what it says is in `log`."""

    def __init__(self, at: Installation, log: Path, **settings: str) -> None:
        self.log = log
        given = {
            "DATABASE": at.database,
            "KAFKA": at.broker.bootstrap,
            "TOPIC_PREFIX": at.broker.prefix,
            "PARTITIONS": str(PARTITIONS),
            "REPLICATION": "1",
            "ENV": "Production",
            "MAIL_SERVER": "",
            "IMPORT_SCHEDULE": "",
            "RUN_SCHEDULE": "",
            "POLL_SECONDS": "0.1",
        } | settings
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.scheduler"],
                env=os.environ | {f"DNSTATS_{name}": value for name, value in given.items()},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def leads(self) -> bool:
        return '"event": "leading"' in self.log.read_text("utf-8")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> int:
        """Its exit status after SIGTERM."""
        self.process.terminate()
        return self.process.wait(30)

    def __enter__(self) -> "Scheduler":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def _led(at_broker: BrokerTopics, topic: str) -> bool:
    """Whether a new topic has its leaders already."""
    try:
        return bool(at_broker.ends(topic))
    except BrokenError:
        return False


def _grade(run: int, site: int, grader: str) -> grades.GradeRow:
    return grades.GradeRow(
        run_id=run,
        site_id=site,
        grader=grader,
        points=80,
        letter="B-",
        undetermined=False,
        applicable=True,
        grader_version=1,
        reference_version=1,
        reference_name="world",
        evidence_hash=bytes(32),
        scan_id=ROW.scan_id,
        finished_at=ROW.finished_at,
        processor_version=1,
        detail={},
        graded_at=ROW.finished_at,
        remarks=(),
    )
