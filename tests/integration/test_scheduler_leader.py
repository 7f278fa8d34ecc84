"""One leader among the schedulers of a database."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from services.common.store.database import engine as connect
from services.scheduler.adapters.leader import Leadership

pytestmark = pytest.mark.services


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = connect(database)
    yield connections
    connections.dispose()


def test_one_leads_until_it_gives_up(engine: Engine) -> None:
    first, second = Leadership(engine), Leadership(engine)
    assert [first.held(), second.held(), first.held()] == [True, False, True]
    first.give_up()
    assert second.held()
    assert not first.held()
    second.give_up()


def test_a_leader_whose_connection_is_cut_leads_no_more(engine: Engine) -> None:
    first, second = Leadership(engine), Leadership(engine)
    assert first.held()
    with engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks"
                " WHERE locktype = 'advisory' AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
    assert not first.held()
    assert second.held()
    assert not first.held()
    second.give_up()
