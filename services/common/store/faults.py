"""What a database error means for the work that met it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.common.messages.envelope import BrokenError, InvalidError

_INVALID = ("21", "22", "23")
"""SQLSTATE classes of a statement that no repetition can save: cardinality, data, integrity."""

_BROKEN = ("08", "40", "53", "57")
"""Connection, rollback (deadlock), resources, operator intervention: the same may work later."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn database errors into InvalidError or BrokenError by SQLSTATE; others pass unchanged."""
    try:
        yield
    except PoolTimeoutError as error:
        raise BrokenError(f"database: {error}") from error
    except DBAPIError as error:
        _raise(error.orig)
        raise
    except psycopg2.Error as error:
        _raise(error)
        raise


def _raise(error: BaseException | None) -> None:
    if not isinstance(error, psycopg2.Error):
        return
    text = f"database: {str(error).strip().splitlines()[0] if str(error).strip() else type(error)}"
    if error.pgcode is None:
        if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
            raise BrokenError(text) from error
    elif error.pgcode.startswith(_INVALID):
        raise InvalidError(f"{text} (SQLSTATE {error.pgcode})") from error
    elif error.pgcode.startswith(_BROKEN):
        raise BrokenError(f"{text} (SQLSTATE {error.pgcode})") from error
