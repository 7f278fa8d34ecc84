"""What errors of a real database are turned into."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from services.common.messages.envelope import BrokenError, InvalidError
from services.common.store.database import engine as connect
from services.common.store.faults import translated

pytestmark = pytest.mark.services


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = connect(database)
    yield connections
    connections.dispose()


def run(engine: Engine, statement: str) -> None:
    with translated(), engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("SELECT 1/0", "22012"),
        ("SELECT (VALUES (1), (2))", "21000"),
        ("INSERT INTO outbox (id) VALUES (gen_random_uuid())", "23502"),
        ("INSERT INTO grades (run_id) VALUES (1)", "23514"),
    ],
)
def test_what_no_repetition_can_save_is_invalid(engine: Engine, statement: str, state: str) -> None:
    with pytest.raises(InvalidError, match=f"SQLSTATE {state}"):
        run(engine, statement)


@pytest.mark.parametrize("state", ["08006", "40P01", "53300", "57P03"])
def test_what_may_work_later_is_broken(engine: Engine, state: str) -> None:
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(BrokenError, match=rf"database: no \(SQLSTATE {state}\)"):
        run(engine, statement)


def test_a_connection_that_was_cut_is_broken_and_the_next_one_works(engine: Engine) -> None:
    with pytest.raises(BrokenError):
        cut_and_use(engine, lambda connection: connection.execute(text("SELECT 1")))
    run(engine, "SELECT 1")


def test_one_that_was_cut_below_sqlalchemy_too(engine: Engine) -> None:
    with pytest.raises(BrokenError):
        cut_and_use(engine, lambda connection: connection.connection.cursor().execute("SELECT 1"))
    run(engine, "SELECT 1")


def cut_and_use(engine: Engine, use: Callable[[Connection], object]) -> None:
    with translated(), engine.begin() as connection:
        mine = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
        use(connection)


def test_a_mistake_of_ours_passes_unchanged(engine: Engine) -> None:
    with pytest.raises(ProgrammingError):
        run(engine, "SELECT nonsense FROM nowhere")
