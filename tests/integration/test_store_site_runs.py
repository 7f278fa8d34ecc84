"""SiteRuns in a real database: the contract of the port, and convergence whatever the order."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text

from services.common.messages.envelope import InvalidError
from services.common.store import partitions
from services.common.store.database import engine as database_engine
from services.common.store.site_runs import NOT_COLLECTED
from services.common.store.tables import site_runs
from services.processor.adapters.site_runs import SiteRunTable
from services.processor.core.site_run import SiteRun
from services.processor.handler import SiteRuns
from tests.unit.processor.contract import ROW, RUN, SiteRunsContract, Stored

pytestmark = pytest.mark.services

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = database_engine(database)
    partitions.create(connections, RUN)
    yield connections
    connections.dispose()


def stored_rows(engine: Engine) -> Stored:
    with engine.connect() as connection:
        rows = connection.execute(select(site_runs).where(site_runs.c.run_id == RUN)).mappings()
        return {row["site_id"]: _plain(dict(row)) for row in rows}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (value - EPOCH) // timedelta(microseconds=1) if name.endswith("_at") else value
        for name, value in row.items()
        if name not in NOT_COLLECTED
    }


class TestSiteRunTable(SiteRunsContract):
    @pytest.fixture
    def store(self, engine: Engine) -> SiteRuns:
        self.engine = engine
        return SiteRunTable(engine)

    def stored(self, store: SiteRuns) -> Stored:
        return stored_rows(self.engine)


ROWS = [
    replace(
        ROW,
        site_id=site,
        domain=f"s{site}.test",
        finished_at=ROW.finished_at + second,
        scan_id=f"{scan:08x}-f698-4d73-8dd2-9d0e0a1c6e53",
        processor_version=version,
        txt_records=[f"{second} {scan} {version}"],
    )
    for site in (1, 2)
    for second in (0, 1)
    for scan in (0, 0xFFFFFFFF)
    for version in (1, 2)
]


@given(order=st.permutations(ROWS), again=st.lists(st.sampled_from(ROWS)), size=st.integers(1, 9))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_order_and_repetition_of_batches_ends_in_the_same_rows(
    engine: Engine, order: list[SiteRun], again: list[SiteRun], size: int
) -> None:
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE site_runs"))
    store = SiteRunTable(engine)
    rows = [*order, *again]
    for start in range(0, len(rows), size):
        store.store(rows[start : start + size])
    newest = {site: row["txt_records"] for site, row in stored_rows(engine).items()}
    assert newest == {1: ["1 4294967295 2"], 2: ["1 4294967295 2"]}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (replace(ROW, rank=1 << 63), "SQLSTATE 22003"),
        (replace(ROW, vantage="nul\0"), "SQLSTATE 22021"),
        (replace(ROW, vantage="\ud800"), "cannot be stored"),
        (replace(ROW, finished_at=1 << 62), "cannot be stored"),
    ],
)
def test_a_row_that_no_column_holds_is_invalid_and_nothing_is_stored(
    engine: Engine, row: SiteRun, reason: str
) -> None:
    with pytest.raises(InvalidError, match=reason):
        SiteRunTable(engine).store([replace(ROW, site_id=6), row])
    assert stored_rows(engine) == {}


def test_strange_text_comes_back_whole(engine: Engine) -> None:
    strange = ["\\N", "\\.", "a\tb\nc\rd", '"quoted"', "é\\303", "\\\\000", ""]
    SiteRunTable(engine).store([replace(ROW, txt_records=strange, vantage="\\N\t\\.\n\r\\\\")])
    (row,) = stored_rows(engine).values()
    assert (row["txt_records"], row["vantage"]) == (strange, "\\N\t\\.\n\r\\\\")


def test_nul_in_json_becomes_its_escape(engine: Engine) -> None:
    SiteRunTable(engine).store([replace(ROW, txt_records=["a\0b"], lookups={"\0": 1})])
    (row,) = stored_rows(engine).values()
    assert (row["txt_records"], row["lookups"]) == (["a\\000b"], {"\\000": 1})
