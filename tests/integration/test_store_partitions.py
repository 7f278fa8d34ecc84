"""A run's partitions: made, made again, and dropped beside readers and writers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from services.common.messages.envelope import BrokenError
from services.common.store import partitions
from services.common.store.database import engine as connect
from services.common.store.site_runs import upsert
from services.common.store.tables import PARTITIONED
from tests.unit.processor.contract import ROW, RUN

pytestmark = pytest.mark.services

TABLES = [table.name for table in PARTITIONED]


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = connect(database)
    yield connections
    connections.dispose()


def attached(engine: Engine) -> list[str]:
    query = text(
        "SELECT inhrelid::regclass::text FROM pg_inherits"
        " WHERE inhparent::regclass::text = ANY(:tables) ORDER BY 1"
    )
    with engine.connect() as connection:
        return list(connection.execute(query, {"tables": TABLES}).scalars())


def names(*runs: int) -> list[str]:
    return sorted(partitions.name(table, run) for table in TABLES for run in runs)


def test_making_a_partition_again_changes_nothing(engine: Engine) -> None:
    partitions.create(engine, RUN)
    with engine.begin() as connection:
        upsert(connection, [ROW])
    partitions.create(engine, RUN)
    partitions.create(engine, RUN + 1)
    assert attached(engine) == names(RUN, RUN + 1)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM site_runs")).scalar() == 1


def test_several_may_make_them_at_once(engine: Engine) -> None:
    with ThreadPoolExecutor(3) as threads:
        done = [threads.submit(partitions.create, engine, run) for run in (1, 2, 3)]
        for one in done:
            one.result()
    assert attached(engine) == names(1, 2, 3)


def test_a_table_made_but_not_attached_is_attached(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE grades_3 (LIKE grades INCLUDING ALL)"))
    partitions.create(engine, RUN)
    assert attached(engine) == names(RUN)


def test_a_partition_has_the_indexes_of_its_table(engine: Engine) -> None:
    partitions.create(engine, RUN)
    query = text("SELECT count(*) FROM pg_index WHERE indrelid = to_regclass('remarks_3')")
    with engine.connect() as connection:
        assert connection.execute(query).scalar() == 2


def test_dropping_takes_one_run_and_can_be_repeated(engine: Engine) -> None:
    partitions.create(engine, RUN)
    partitions.create(engine, RUN + 1)
    partitions.drop(engine, RUN)
    partitions.drop(engine, RUN)
    assert attached(engine) == names(RUN + 1)


def test_dropping_finishes_what_was_interrupted(engine: Engine) -> None:
    partitions.create(engine, RUN)
    interrupted_detach(engine)
    partitions.drop(engine, RUN)
    assert attached(engine) == []


def interrupted_detach(engine: Engine) -> None:
    """Leave a detach of grades_3 pending: a reader holds its second half until it is cancelled."""
    with engine.connect() as reader, engine.connect() as writer:
        reader.execute(text("SELECT * FROM grades"))
        writer = writer.execution_options(isolation_level="AUTOCOMMIT")
        writer.execute(text("SET lock_timeout = '100ms'"))
        with pytest.raises(Exception, match="lock timeout"):
            writer.execute(text("ALTER TABLE grades DETACH PARTITION grades_3 CONCURRENTLY"))
        writer.invalidate()
    query = text(
        "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = to_regclass('grades_3')"
    )
    with engine.connect() as connection:
        assert connection.execute(query).scalar() is True


def test_a_table_that_stays_locked_is_broken_and_readers_get_through(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "_ATTEMPTS", 1)
    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(partitions, "_PAUSE", 0)
    with engine.begin() as holder:
        holder.execute(text("LOCK TABLE site_runs IN SHARE UPDATE EXCLUSIVE MODE"))
        with pytest.raises(BrokenError, match="site_runs for run 3: the table stays locked"):
            partitions.create(engine, RUN)
    partitions.create(engine, RUN)
    assert attached(engine) == names(RUN)
