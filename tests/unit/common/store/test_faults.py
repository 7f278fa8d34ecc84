import psycopg2
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.common.messages.envelope import BrokenError
from services.common.store.faults import translated

LOST = psycopg2.OperationalError("server closed the connection\n\tunexpectedly")


def raised(error: Exception) -> None:
    with translated():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        LOST,
        OperationalError("SELECT", {}, LOST),
        psycopg2.InterfaceError("connection already closed"),
        psycopg2.OperationalError(),
        PoolTimeoutError("no connection within 30 s"),
    ],
)
def test_a_lost_connection_is_broken(error: Exception) -> None:
    with pytest.raises(BrokenError, match=r"\Adatabase: [^\n]+\Z"):
        raised(error)


@pytest.mark.parametrize(
    "error",
    [
        psycopg2.ProgrammingError("a mistake of ours"),
        DBAPIError("SELECT", {}, psycopg2.ProgrammingError("a mistake of ours")),
        DBAPIError("SELECT", {}, Exception("of another driver")),
        KeyError("of no database"),
    ],
)
def test_anything_else_passes_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        raised(error)
    assert caught.value is error
