"""The list in a real database."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from services.common.store.database import engine as connect
from services.scheduler.adapters.list_source import list_file
from services.scheduler.adapters.plans import Rates, StoredPlans
from services.scheduler.core.ranked_list import ListInfo, Merge, RankedList
from services.scheduler.handler.lists import Importer
from services.scheduler.handler.ports import ListError

pytestmark = pytest.mark.services

NOW = datetime(2026, 11, 24, 1, 1, tzinfo=UTC)
INFO = ListInfo("list.csv", "K2VLW", date(2026, 11, 23), b"\7" * 32)
Import = Callable[..., tuple[Merge, RankedList]]


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = connect(database)
    yield connections
    connections.dispose()


@pytest.fixture
def bring(engine: Engine) -> Import:
    """Imports a list given as text."""
    importer = Importer(StoredPlans(engine, Rates(1000, 100)), lambda: NOW)

    def run(written: str, force: bool = False) -> tuple[Merge, RankedList]:
        return importer.run(INFO, written.encode().splitlines(keepends=True), force=force)

    return run


def _ranks(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT domain, current_rank FROM sites"))
        return {row.domain: row.current_rank for row in rows}


def _ids(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT domain, id FROM sites"))
        return {row.domain: row.id for row in rows}


def _counts(merge: Merge) -> tuple[int, int, int]:
    return merge.new, merge.reranked, merge.dropped


def test_the_first_list_makes_sites(engine: Engine, bring: Import) -> None:
    merge, _ = bring("1,a.test\n2,B.test\n3,münchen.test\n")
    assert _counts(merge) == (3, 0, 0)
    assert _ranks(engine) == {"a.test": 1, "b.test": 2, "xn--mnchen-3ya.test": 3}


def test_the_same_list_again_changes_nothing(engine: Engine, bring: Import) -> None:
    bring("1,a.test\n2,b.test\n")
    before = _ids(engine)
    merge, _ = bring("1,a.test\n2,b.test\n")
    assert _counts(merge) == (0, 0, 0)
    assert merge.before == 2
    assert _ids(engine) == before


def test_sites_are_added_reranked_dropped_and_come_back(engine: Engine, bring: Import) -> None:
    bring("1,a.test\n2,b.test\n3,c.test\n4,d.test\n")
    before = _ids(engine)
    merge, _ = bring("1,b.test\n2,a.test\n3,c.test\n4,e.test\n")
    assert _counts(merge) == (1, 2, 1)
    assert _ranks(engine) == {"a.test": 2, "b.test": 1, "c.test": 3, "d.test": 0, "e.test": 4}
    merge, _ = bring("1,b.test\n2,a.test\n3,c.test\n4,d.test\n")
    assert _counts(merge) == (0, 1, 1)
    assert _ranks(engine)["d.test"] == 4
    assert _ids(engine)["d.test"] == before["d.test"]


def test_bad_lines_lose_no_good_one(engine: Engine, bring: Import) -> None:
    merge, read = bring("1,a.test\nnonsense\n2,b.test\n2,c.test\n3,a.test\n")
    assert merge.sites == 2
    assert read.bad.total() == 3
    assert _ranks(engine) == {"a.test": 1, "b.test": 2}


def test_a_much_smaller_list_changes_nothing_unless_forced(engine: Engine, bring: Import) -> None:
    bring("".join(f"{rank},s{rank}.test\n" for rank in range(1, 11)))
    small = "".join(f"{rank},s{rank}.test\n" for rank in range(1, 8))
    with pytest.raises(ListError, match=r"it has 7 sites, under 80% of the 10 of the last"):
        bring(small + "nonsense\n")
    assert sum(rank > 0 for rank in _ranks(engine).values()) == 10
    merge, _ = bring(small, force=True)
    assert merge.dropped == 3


def test_a_list_without_a_good_line_is_refused_even_when_forced(bring: Import) -> None:
    with pytest.raises(ListError, match=r"no good line \(1 bad lines: line 1: no comma"):
        bring("<html>\n", force=True)


def test_which_list_it_was_is_kept_and_mailed_about(engine: Engine, bring: Import) -> None:
    bring("1,a.test\nnonsense\n")
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM lists")).mappings().one()
        mail = connection.execute(text("SELECT payload FROM outbox")).scalar_one()
    assert (row["source"], row["list_id"], row["list_date"]) == (
        "list.csv",
        "K2VLW",
        INFO.list_date,
    )
    assert bytes(row["sha256"]) == INFO.sha256
    assert (row["sites"], row["new"], row["bad"], row["imported_at"]) == (1, 1, 1, NOW)
    assert mail["subject"] == "[DNStats] Site List Update Is Done"
    assert "line 2: no comma" in mail["text"]


@pytest.mark.skipif("TEST_DATA" not in os.environ, reason="TEST_DATA names no folder of real data")
def test_a_real_list_of_100_000_costs_at_most_5_seconds(engine: Engine) -> None:
    """Of this process: how long it takes says more about the machine's other work."""
    importer = Importer(StoredPlans(engine, Rates(1000, 100)), lambda: NOW)
    began, worked = time.monotonic(), time.process_time()
    with list_file(str(Path(os.environ["TEST_DATA"]) / "toplist.csv")) as file:
        merge, read = importer.run(INFO, file.lines())
    took, cost = time.monotonic() - began, time.process_time() - worked
    print(f"{merge.sites:,} sites in {took:.2f} s, of which {cost:.2f} s are our own work")
    assert merge.new == merge.sites == 100_000 - read.bad.total()
    assert cost < 5
