"""Connections to the database, and its schema."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text
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
    """The schema is not the one that this release works with; the text says what to do."""


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


def migrate(engine: Engine) -> None:
    """Bring the schema to this release. Several may try at once: one works, the others wait."""
    config = _config()
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def verify(engine: Engine) -> None:
    """Raises SchemaError unless the schema is that of this release, BrokenError where nobody
    answers."""
    with translated(), engine.connect() as connection:
        here = MigrationContext.configure(connection).get_current_revision()
    if here != head():
        state = f"the schema is at {here or 'nothing'}, not {head()}"
        raise SchemaError(f"{state}: run `dnstats database migrate`")


def head() -> str:
    """The revision of the schema that this release makes."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "services.common.store:migrations")
    config.set_main_option("path_separator", "os")
    return config
