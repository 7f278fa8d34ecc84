"""One leader among the schedulers of a database."""

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from services.common.store.database import engine as connect
from services.scheduler.adapters.leader import Leadership, led
from tests.integration.streams import until

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


def test_a_leader_that_is_silent_loses_the_lead_and_knows(engine: Engine) -> None:
    assert not led(engine)
    first, second = Leadership(engine, silence=1), Leadership(engine)
    assert first.held()
    assert led(engine)
    assert until(second.held, 10) > 0.5
    assert not first.held()
    second.give_up()
    assert not led(engine)


def test_a_leader_that_is_busy_keeps_the_lead(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.scheduler.adapters.leader.BEAT_SECONDS", 0.2)
    first, second, stop = Leadership(engine, silence=1), Leadership(engine), threading.Event()
    assert first.held()
    beating = threading.Thread(target=first.keep, args=(stop,))
    beating.start()
    time.sleep(2)
    assert not second.held()
    stop.set()
    beating.join()
    first.give_up()
