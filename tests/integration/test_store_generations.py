"""Generations of a run's grade requests: begun, joined, abandoned, completed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine, text

from services.common.messages.topics import GRADE_REQUESTS, SCAN_RESULTS
from services.common.messages.window import Window
from services.common.store import generations
from services.common.store.database import engine as connect
from services.common.store.generations import Derivation, NoWindowError, OvertakenError
from services.common.store.runs import close_window, open_window

pytestmark = pytest.mark.services

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
OURS = Derivation(SCAN_RESULTS, 2, 5, "public")
OTHER = replace(OURS, processor_version=3)


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = connect(database)
    yield connections
    connections.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as open_connection:
        yield open_connection


@pytest.fixture
def run(engine: Engine) -> int:
    with engine.begin() as connection:
        made = connection.execute(
            text(
                "INSERT INTO runs (state, created_at, finished_at, secret, depth, top)"
                " VALUES ('graded', now(), now(), 'x', 'normal', 9) RETURNING id"
            )
        )
        return int(made.scalar_one())


def test_a_run_that_never_came_so_far_has_no_window(connection: Connection, run: int) -> None:
    with pytest.raises(NoWindowError, match=f"run {run} never came as far as grade-requests"):
        generations.newest_window(connection, run)


def test_a_window_without_all_its_ends_is_none(connection: Connection, run: int) -> None:
    open_window(connection, run, GRADE_REQUESTS, {0: 5, 1: 7})
    close_window(connection, run, GRADE_REQUESTS, {0: 6})
    with pytest.raises(NoWindowError, match="no known end in grade-requests"):
        generations.newest_window(connection, run)


def test_the_run_itself_is_generation_0(connection: Connection, run: int) -> None:
    open_window(connection, run, GRADE_REQUESTS, {0: 5, 1: 7})
    close_window(connection, run, GRADE_REQUESTS, {0: 6, 1: 7})
    own = Window(GRADE_REQUESTS, {0: 5, 1: 7}, {0: 6, 1: 7})
    assert generations.newest_window(connection, run) == (0, own)
    generations.begin(connection, run, OURS, {0: 9, 1: 9}, NOW)
    assert generations.newest_window(connection, run) == (0, own)


def test_a_complete_generation_is_the_newest(connection: Connection, run: int) -> None:
    begun = generations.begin(connection, run, OURS, {0: 9, 1: 9}, NOW)
    done = generations.complete(connection, begun, {0: 12, 1: 9, 2: 3}, NOW)
    window = Window(GRADE_REQUESTS, {0: 9, 1: 9, 2: 0}, {0: 12, 1: 9, 2: 3})
    assert generations.newest_window(connection, run) == (1, window)
    assert done.window == window
    assert done == generations.load(connection, run, 1)
    assert done.replay == f"reprocess-{run}-1"


def test_an_unfinished_one_of_the_same_derivation_is_joined(
    connection: Connection, run: int
) -> None:
    begun = generations.begin(connection, run, OURS, {0: 9}, NOW)
    assert generations.begin(connection, run, OURS, {0: 20}, NOW) == begun
    assert generations.unfinished(connection, run) == begun


def test_one_of_another_derivation_is_abandoned_and_never_completed(
    connection: Connection, run: int
) -> None:
    begun = generations.begin(connection, run, OURS, {0: 9}, NOW)
    other = generations.begin(connection, run, OTHER, {0: 20}, NOW)
    assert other.number == 2
    assert generations.unfinished(connection, run) == other
    with pytest.raises(OvertakenError, match=f"reprocess-{run}-1 was overtaken"):
        generations.complete(connection, begun, {0: 30}, NOW)
    generations.complete(connection, other, {0: 30}, NOW)
    assert generations.newest_window(connection, run)[0] == 2
    with pytest.raises(OvertakenError):
        generations.complete(connection, begun, {0: 30}, NOW)


def test_what_is_complete_stays_as_it_is(connection: Connection, run: int) -> None:
    begun = generations.begin(connection, run, OURS, {0: 9}, NOW)
    done = generations.complete(connection, begun, {0: 12}, NOW)
    assert generations.complete(connection, begun, {0: 40}, NOW) == done
    assert generations.unfinished(connection, run) is None
    assert generations.begin(connection, run, OURS, {0: 40}, NOW).number == 2


def test_of_several_that_begin_at_once_one_does(engine: Engine, run: int) -> None:
    def begin(start: int) -> int:
        with engine.begin() as connection:
            return generations.begin(connection, run, OURS, {0: start}, NOW).number

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(begin, range(8))) == {1}
    with engine.connect() as connection:
        assert len(generations.of_run(connection, run)) == 1
