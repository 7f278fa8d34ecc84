"""One transaction, with the errors of the database told apart."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from services.common.store.faults import translated


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Raises BrokenError and InvalidError for what the database refuses."""
    with translated(), engine.begin() as connection:
        yield connection
