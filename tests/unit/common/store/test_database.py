import pytest

from services.common.store.database import BadAddressError, engine


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_every_spelling_of_a_postgresql_url_is_taken(scheme: str) -> None:
    url = engine(f"{scheme}://user:secret@db.test:5433/name").url
    assert (url.drivername, url.host, url.port, url.database) == (
        "postgresql+psycopg2",
        "db.test",
        5433,
        "name",
    )


@pytest.mark.parametrize(
    ("dsn", "reason"),
    [
        ("", "no database URL"),
        ("dbname=x host=y", "no database URL"),
        ("postgresql://host:port/name", "no database URL"),
        ("mysql://user:secret@host/name", r"not a PostgreSQL URL: mysql://user:\*\*\*@host/name"),
    ],
)
def test_other_addresses_are_refused_without_their_password(dsn: str, reason: str) -> None:
    with pytest.raises(BadAddressError, match=reason):
        engine(dsn)
