"""Rows a second into site_runs and grades, 1,000 a transaction, on a real database.

Baseline, in the same run: SQLAlchemy's multi-row INSERT .. ON CONFLICT of the same rows.
Takes the database of TEST_DATABASE, else starts one of its own.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.postgresql import insert

from deploy.local.postgres import create_database, drop_database
from services.common.reference.load import load
from services.common.store import grades, partitions, site_runs, tables
from services.common.store.database import engine as connect
from services.common.store.database import migrate
from services.common.store.grades import GradeRow, RemarkRow
from services.processor.core.derive import derive
from services.processor.core.site_run import SiteRun
from tests import backends
from tests.benchmarks.processor_derive import result

BATCH = 1_000
BATCHES = 10
RUN = 3
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        backends.database_server(Path(folder)) as (server, source),
    ):
        name = f"dnstats_{uuid4().hex[:10]}_test"
        create_database(server, name)
        engine = connect(backends.with_database(server, name))
        print(f"database: {source}")
        try:
            migrate(engine)
            _measure_all(engine)
        finally:
            engine.dispose()
            drop_database(server, name)


def _measure_all(engine: Engine) -> None:
    row = derive(result(1), load("world")).site_run
    runs = [replace(row, site_id=site, domain=f"s{site}.test") for site in range(BATCH * BATCHES)]
    graded = [grade(site) for site in range(BATCH * BATCHES)]
    partitions.create(engine, RUN)
    partitions.create(engine, RUN + 1)
    elsewhere = [replace(row, run_id=RUN + 1) for row in runs]
    baseline = measure(engine, "baseline: SQLAlchemy INSERT, new", insert_many, elsewhere)
    fastest = measure(engine, "site_runs: new rows", site_runs.upsert, runs)
    measure(engine, "site_runs: the same rows again", site_runs.upsert, runs)
    measure(engine, "grades with 2 remarks: new", grades.replace, graded)
    measure(engine, "grades with 2 remarks: again", grades.replace, graded)
    print(f"{'COPY upsert / baseline':36}{fastest / baseline:8.1f} x")


def measure(
    engine: Engine, name: str, store: Callable[[Connection, Sequence[T]], object], rows: list[T]
) -> float:
    """Rows a second; prints them with the CPU of this process for a row."""
    began, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(rows), BATCH):
        with engine.begin() as connection:
            store(connection, rows[start : start + BATCH])
    spent = time.process_time() - cpu
    rate = len(rows) / (time.perf_counter() - began)
    print(f"{name:36}{rate:8.0f} rows/s{spent / len(rows) * 1e6:8.0f} us of CPU here")
    return rate


def insert_many(connection: Connection, rows: Sequence[SiteRun]) -> None:
    statement = insert(tables.site_runs)
    changes = {c.name: c for c in statement.excluded if not c.primary_key}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["site_id", "run_id"], set_=changes),
        [_values(row) for row in rows],
    )


def _values(row: SiteRun) -> dict[str, Any]:
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    times = ("started_at", "finished_at")
    return values | {name: EPOCH + timedelta(microseconds=values[name]) for name in times}


def grade(site: int) -> GradeRow:
    remark = RemarkRow(
        "SPF_HAS_PTR", "deprecation", {"term": "ptr"}, [["a.test", "TXT", "resolver", "ANSWERED"]]
    )
    return GradeRow(
        run_id=RUN,
        site_id=site,
        grader="spf",
        points=80,
        letter="B-",
        undetermined=False,
        applicable=True,
        grader_version=1,
        reference_version=1,
        reference_name="world",
        evidence_hash=bytes(32),
        scan_id="0e37df36-f698-4d73-8dd2-9d0e0a1c6e53",
        finished_at=1_700_000_000_000_000,
        processor_version=1,
        detail={"state": "valid", "record": "v=spf1 ptr -all", "lookups": 1, "voids": 0},
        graded_at=1_700_000_000_000_001,
        remarks=(remark, remark),
    )


if __name__ == "__main__":
    main()
