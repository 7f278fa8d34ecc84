"""What is stored about one site: its SiteRuns, grades and remarks, over runs. Reads only."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from services.common.store.tables import (
    failures,
    grades,
    remark_kinds,
    remarks,
    run_sites,
    runs,
    site_runs,
    sites,
)

Found = Mapping[Any, Any]
"""A row by the names of its columns."""


def runs_of(conn: Connection, domain: str) -> Sequence[Found]:
    """The runs that the site was in, newest first: run_id, state, seen_at, site_id, rank."""
    return _all(
        conn,
        select(
            runs.c.id.label("run_id"),
            runs.c.state,
            func.coalesce(site_runs.c.finished_at, runs.c.started_at).label("seen_at"),
            run_sites.c.site_id,
            run_sites.c.rank,
        )
        .select_from(sites)
        .join(run_sites, run_sites.c.site_id == sites.c.id)
        .join(runs, runs.c.id == run_sites.c.run_id)
        .outerjoin(
            site_runs,
            (site_runs.c.run_id == run_sites.c.run_id)
            & (site_runs.c.site_id == run_sites.c.site_id),
        )
        .where(sites.c.domain == domain)
        .order_by(runs.c.id.desc()),
    )


def failures_of(conn: Connection, site_id: int) -> Sequence[Found]:
    """Run, stage and reason of everything that failed about the site."""
    return _all(conn, select(failures).where(failures.c.site_id == site_id))


def site_run(conn: Connection, run_id: int, site_id: int) -> Found | None:
    query = select(site_runs).where(site_runs.c.run_id == run_id, site_runs.c.site_id == site_id)
    return next(iter(_all(conn, query)), None)


def grades_of(conn: Connection, run_id: int, site_id: int) -> Sequence[Found]:
    query = select(grades).where(grades.c.run_id == run_id, grades.c.site_id == site_id)
    return _all(conn, query.order_by(grades.c.grader))


def remarks_of(conn: Connection, run_id: int, site_id: int) -> Sequence[Found]:
    """The remarks with the text, reference, `means` and `mend` of their kinds."""
    kind = remark_kinds.c
    return _all(
        conn,
        select(remarks, kind.number, kind.text, kind.reference, kind.means, kind.mend)
        .join(remark_kinds, kind.tag == remarks.c.tag)
        .where(remarks.c.run_id == run_id, remarks.c.site_id == site_id)
        .order_by(remarks.c.grader, remarks.c.ordinal),
    )


def points_by_run(conn: Connection, site_id: int) -> Mapping[int, dict[str, Found]]:
    """Points and letter of every grade of the site, by run and grader."""
    query = select(grades.c.run_id, grades.c.grader, grades.c.points, grades.c.letter)
    table: dict[int, dict[str, Found]] = {}
    for row in _all(conn, query.where(grades.c.site_id == site_id)):
        table.setdefault(row["run_id"], {})[row["grader"]] = row
    return table


def _all(conn: Connection, query: Select[Any]) -> list[Found]:
    return [dict(row) for row in conn.execute(query).mappings()]
