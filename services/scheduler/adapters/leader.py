"""One leader among the schedulers of a database: who holds an advisory lock of it."""

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

_LOCK = 0x646E7375


class Leadership:
    """The lock lives as long as its connection: a leader that dies or is cut off loses it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def held(self) -> bool:
        """Whether we lead now; tries to, if not."""
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
            return self._try()
        except DBAPIError:
            self.give_up()
            return False

    def give_up(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _try(self) -> bool:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        got = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK})
        if not got.scalar_one():
            connection.close()
            return False
        self._connection = connection
        return True
