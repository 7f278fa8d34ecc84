"""The migrations make exactly the tables that the code works with."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, select, text
from typer.testing import CliRunner

from services.cli.database import app
from services.common.messages.envelope import BrokenError
from services.common.store import database as store
from services.common.store import tables
from services.common.store.database import SchemaError, migrate, verify
from services.grader.core.catalogue import GRADERS

pytestmark = pytest.mark.services


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = store.engine(database)
    yield connections
    connections.dispose()


@pytest.fixture
def empty(engine: Engine) -> Engine:
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    return engine


def test_a_migrated_schema_is_that_of_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, tables.metadata) == []


def test_migrations_can_be_taken_back(engine: Engine) -> None:
    with engine.begin() as connection:
        config = store._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    assert inspect(engine).get_view_names() == []


def test_several_may_migrate_at_once(empty: Engine) -> None:
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(migrate, empty) for _ in range(4)]:
            done.result()
    verify(empty)


def test_a_schema_that_is_behind_is_refused(engine: Engine) -> None:
    verify(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(SchemaError, match=r"the schema is at 0001, not .* database migrate"):
        verify(engine)


class TestSchemaOfANewerRelease:
    @pytest.fixture(autouse=True)
    def _newer(self, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9901'"))

    def test_is_worked_with_and_left_alone(self, engine: Engine) -> None:
        verify(engine)
        assert migrate(engine) is False
        verify(engine)

    def test_is_refused_once_it_has_no_place_for_ours(self, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(text("COMMENT ON TABLE alembic_version IS '9900'"))
        with pytest.raises(SchemaError, match=f"at 9901, this release made {store.head()}: .*9900"):
            verify(engine)

    def test_is_refused_where_nothing_says_what_it_allows(self, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(text("COMMENT ON TABLE alembic_version IS NULL"))
        with pytest.raises(SchemaError, match="start a release that knows 9901"):
            verify(engine)


def test_an_empty_database_is_refused(empty: Engine) -> None:
    with pytest.raises(SchemaError, match="the schema is at nothing"):
        verify(empty)


def test_a_database_that_does_not_answer_is_broken(database: str) -> None:
    with pytest.raises(BrokenError, match="refused"):
        verify(store.engine("postgresql://127.0.0.1:1/nowhere"))


def test_times_are_utc(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.execute(text("SHOW timezone")).scalar() == "UTC"


class TestMigrateCommand:
    @pytest.fixture(autouse=True)
    def _address(self, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DNSTATS_DATABASE", database)

    def test_migrates_and_seeds_and_can_be_repeated(self, empty: Engine) -> None:
        for _ in range(2):
            result = CliRunner().invoke(app, ["migrate"])
            assert (result.exit_code, result.output) == (0, "database is up to date\n")
        verify(empty)
        with empty.connect() as connection:
            tags = set(connection.execute(select(tables.remark_kinds.c.tag)).scalars())
            policies = set(connection.execute(select(tables.dmarc_policies.c.policy)).scalars())
            mail = set(connection.execute(select(tables.mail_providers.c.name)).scalars())
        assert tags == {kind.tag for grader in GRADERS.values() for kind in grader.kinds}
        assert policies == {"none", "quarantine", "reject", "no_policy", "invalid"}
        assert {"Office 365", "Self-hosted", "No mail", "Unknown"} <= mail

    def test_leaves_what_a_newer_release_has_made(self, engine: Engine) -> None:
        CliRunner().invoke(app, ["migrate"])
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9901'"))
            connection.execute(text("UPDATE spf_policies SET label = 'newer'"))
        result = CliRunner().invoke(app, ["migrate"])
        assert result.output == "database is that of a newer release: left as it is\n"
        with engine.connect() as connection:
            assert set(connection.execute(select(tables.spf_policies.c.label)).scalars()) == {
                "newer"
            }

    def test_seeding_brings_changed_texts_up_to_date(self, engine: Engine) -> None:
        CliRunner().invoke(app, ["migrate"])
        with engine.begin() as connection:
            connection.execute(text("UPDATE spf_policies SET label = 'old'"))
        CliRunner().invoke(app, ["migrate"])
        with engine.connect() as connection:
            labels = connection.execute(select(tables.spf_policies.c.label)).scalars()
            assert "old" not in set(labels)

    @pytest.mark.parametrize(
        ("address", "status", "complaint"),
        [
            ("mysql://here/x", 2, "DNSTATS_DATABASE: Value error, no PostgreSQL URL"),
            ("postgresql://127.0.0.1:1/x", 1, "database: connection to server"),
        ],
    )
    def test_a_bad_address_is_one_clear_line(
        self, monkeypatch: pytest.MonkeyPatch, address: str, status: int, complaint: str
    ) -> None:
        monkeypatch.setenv("DNSTATS_DATABASE", address)
        result = CliRunner().invoke(app, ["migrate"])
        assert result.exit_code == status
        assert result.stderr.startswith(complaint)
        assert result.stderr.count("\n") == 1
