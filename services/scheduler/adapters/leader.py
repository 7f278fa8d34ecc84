"""One leader among the schedulers of a database: who holds an advisory lock of it."""

import threading

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from services.scheduler.adapters.transaction import transaction

SILENCE_SECONDS = 15
"""So long may a leader say nothing until the database takes the lead from it."""
BEAT_SECONDS = 3.0

_LOCK = 0x646E7375
_TRY = text("""
    SELECT CASE WHEN pg_try_advisory_lock(:key)
    THEN set_config('idle_session_timeout', :silence, false) END
""")
_LED = text("""
    SELECT EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND classid = 0 AND objid = :key AND objsubid = 1 AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
""")


class Leadership:
    """The lock lives as long as its connection, and that as long as its owner can be heard: a
    leader that dies, is cut off or stands still loses it, and knows at the next look."""

    def __init__(self, engine: Engine, silence: int = SILENCE_SECONDS) -> None:
        self._engine = engine
        self._silence = f"{silence}s"
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def held(self) -> bool:
        """Whether we lead now; tries to, if not."""
        with self._lock:
            try:
                return self._beat() or self._try()
            except DBAPIError:
                self._let_go()
                return False

    def keep(self, stop: threading.Event) -> None:
        """Be heard until `stop`, for a thread of its own: turns of a leader may take long."""
        while not stop.wait(BEAT_SECONDS):
            with self._lock:
                try:
                    self._beat()
                except DBAPIError:
                    self._let_go()

    def give_up(self) -> None:
        with self._lock:
            self._let_go()

    def _beat(self) -> bool:
        if self._connection is not None:
            self._connection.execute(text("SELECT 1"))
        return self._connection is not None

    def _try(self) -> bool:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        got = connection.execute(_TRY, {"key": _LOCK, "silence": self._silence})
        if got.scalar_one() is None:
            connection.close()
            return False
        self._connection = connection
        return True

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def led(engine: Engine) -> bool:
    """Whether any scheduler leads. Raises BrokenError."""
    with transaction(engine) as connection:
        return bool(connection.execute(_LED, {"key": _LOCK}).scalar_one())
