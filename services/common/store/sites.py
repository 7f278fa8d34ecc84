"""The ranked list: which sites there are, and the lists that said so."""

import io
from collections.abc import Iterable, Mapping
from contextlib import closing
from itertools import islice
from typing import Any, cast

import psycopg2.extensions
from sqlalchemy import Connection, RowMapping, func, insert, select, text

from services.common.store.tables import lists, sites

_COPIED = 50_000
"""Lines of one COPY: bounds memory, costs no speed."""

_STAGE = text(
    "CREATE TEMP TABLE staged_sites (rank bigint NOT NULL, domain text NOT NULL) ON COMMIT DROP"
)

_LOCK = text("LOCK TABLE sites IN SHARE ROW EXCLUSIVE MODE")
"""One import at a time; nobody who reads has to wait."""

_MERGE = text("""
    WITH dropped AS (
        UPDATE sites SET current_rank = 0
        WHERE current_rank > 0
          AND NOT EXISTS (SELECT FROM staged_sites s WHERE s.domain = sites.domain)
        RETURNING 1
    ), reranked AS (
        UPDATE sites SET current_rank = s.rank
        FROM staged_sites s
        WHERE s.domain = sites.domain AND sites.current_rank <> s.rank
        RETURNING 1
    ), new AS (
        INSERT INTO sites (domain, current_rank, first_list)
        SELECT domain, rank, :list FROM staged_sites s
        WHERE NOT EXISTS (SELECT FROM sites WHERE sites.domain = s.domain)
        ORDER BY rank
        RETURNING 1
    ), counted AS (
        SELECT (SELECT count(*) FROM new) AS new,
               (SELECT count(*) FROM reranked) AS reranked,
               (SELECT count(*) FROM dropped) AS dropped
    )
    UPDATE lists SET new = counted.new, reranked = counted.reranked, dropped = counted.dropped
    FROM counted WHERE lists.id = :list
    RETURNING lists.*
""")
"""The three parts see the sites as they were; no row is in two of them."""


def hold(connection: Connection) -> None:
    """No import changes the sites until the transaction ends."""
    connection.execute(text("LOCK TABLE sites IN SHARE MODE"))


def stage(connection: Connection, ranked: Iterable[tuple[int, str]]) -> int:
    """Hold a list for `merge` in the same transaction; returns the number of its sites.

    `ranked` are ranks from 1 and names of letters, digits, `-`, `_` and dots; both without
    duplicates.
    """
    connection.execute(_LOCK)
    connection.execute(_STAGE)
    waiting, staged = iter(ranked), 0
    with closing(connection.connection.cursor()) as cursor:
        while lines := [f"{rank}\t{domain}\n" for rank, domain in islice(waiting, _COPIED)]:
            staged += len(lines)
            cast("psycopg2.extensions.cursor", cursor).copy_expert(
                "COPY staged_sites FROM STDIN", io.StringIO("".join(lines))
            )
    connection.execute(text("ANALYZE staged_sites"))
    return staged


def merge(connection: Connection, listed: Mapping[str, Any]) -> RowMapping:
    """Make the staged list the current one: new sites, new ranks, rank 0 for what is not in it.

    `listed` has source, list_id, list_date, sha256, sites, bad and imported_at. Returns the row
    of `lists` with its counts. The sites are analysed afterwards: most of them may be new.
    """
    nothing_yet = {"new": 0, "reranked": 0, "dropped": 0}
    made = insert(lists).values(nothing_yet | dict(listed)).returning(lists.c.id)
    number = connection.execute(made).scalar_one()
    counts = connection.execute(_MERGE, {"list": number}).mappings().one()
    connection.execute(text("ANALYZE sites"))
    return counts


def last_list(connection: Connection) -> RowMapping | None:
    """The list that the current ranks are from."""
    newest = select(lists).order_by(lists.c.id.desc()).limit(1)
    return connection.execute(newest).mappings().one_or_none()


def find_list(connection: Connection, number: int) -> RowMapping | None:
    return connection.execute(select(lists).where(lists.c.id == number)).mappings().one_or_none()


def count(connection: Connection, top: int) -> int:
    """How many sites a run over the `top` best ranks would have."""
    ranked = select(sites.c.id).where(sites.c.current_rank > 0).limit(top).subquery()
    return int(connection.execute(select(func.count()).select_from(ranked)).scalar_one())
