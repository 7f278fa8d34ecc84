"""Connections to the database, and its schema."""

from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from services.common.store.faults import translated

_MIGRATION_LOCK = 0x646E7374
_OPTIONS = {
    "application_name": "dnstats",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "options": "-c timezone=UTC",
}


class BadAddressError(ValueError):
    """The address of the database cannot be used; the text says why."""


class SchemaError(Exception):
    """This release cannot work with the schema: what was found, and what mends it."""

    def __init__(self, found: str, mend: str) -> None:
        super().__init__(f"{found}: {mend}")
        self.found = found
        self.mend = mend


def engine(dsn: str) -> Engine:
    """Connects when first used. A server that has gone is noticed within about 15 seconds.

    `dsn` is a URL such as postgresql://user:password@host:5432/name. Raises BadAddressError.
    """
    try:
        url = make_url(dsn)
    except (ArgumentError, ValueError) as error:
        raise BadAddressError(f"no database URL: {error}") from error
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise BadAddressError(f"not a PostgreSQL URL: {url.render_as_string(hide_password=True)}")
    return create_engine(
        url.set(drivername="postgresql+psycopg2"),
        connect_args={name: value for name, value in _OPTIONS.items() if name not in url.query},
        pool_pre_ping=True,
    )


def migrate(engine: Engine) -> bool:
    """Bring the schema to this release. Several may try at once: one works, the others wait.
    False where a newer release has been here: then nothing changes."""
    config = _config()
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        if _state(connection).is_newer:
            return False
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        # An older release does not know this revision: what it may do has to stand beside it.
        connection.execute(text(f"COMMENT ON TABLE alembic_version IS '{_oldest()}'"))
    return True


def verify(engine: Engine) -> None:
    """Raises SchemaError unless this release can work with the schema: it is its own, or one of a
    newer release that leaves older ones their place. BrokenError where nobody answers."""
    with translated(), engine.connect() as connection:
        state = _state(connection)
    if state.revision == head():
        return
    if not state.is_newer:
        found = f"the schema is at {state.revision or 'nothing'}, not {head()}"
        raise SchemaError(found, "dnstats database migrate")
    if state.oldest not in _revisions():
        raise SchemaError(
            f"the schema is at {state.revision}, this release made {head()}",
            f"start a release that knows {state.oldest or state.revision}",
        )


def head() -> str:
    """The revision of the schema that this release makes."""
    return _scripts().get_current_head() or ""


@dataclass(frozen=True, slots=True)
class _State:
    """`oldest` is the first revision whose release still works with the schema."""

    revision: str
    oldest: str

    @property
    def is_newer(self) -> bool:
        return bool(self.revision) and self.revision not in _revisions()


def _state(connection: Connection) -> _State:
    revision = MigrationContext.configure(connection).get_current_revision()
    comment = text("SELECT obj_description(to_regclass('alembic_version'), 'pg_class')")
    return _State(revision or "", connection.execute(comment).scalar() or "")


def _oldest() -> str:
    oldest: str = _scripts().get_revision(head()).module.oldest
    return oldest


def _revisions() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "services.common.store:migrations")
    config.set_main_option("path_separator", "os")
    return config
