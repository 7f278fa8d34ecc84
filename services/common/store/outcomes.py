"""What became of the sites of a run, counted from the rows themselves."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, func, select, text

from services.common.store.tables import grades, remarks, run_sites, site_runs

SAMPLE = 10_000
"""Sites from which a mean is taken."""

_FAIL_SITES = text("""
    INSERT INTO failures (run_id, site_id, stage, reason)
    SELECT :run, r.site_id, :stage, coalesce(known.reason, :otherwise)
    FROM run_sites r
    LEFT JOIN jsonb_each_text(cast(:reasons AS jsonb)) known(domain, reason) USING (domain)
    WHERE r.run_id = :run AND coalesce(known.reason, :otherwise) IS NOT NULL
      AND NOT EXISTS (SELECT FROM site_runs s WHERE s.run_id = :run AND s.site_id = r.site_id)
      AND NOT EXISTS (SELECT FROM failures f WHERE f.run_id = :run AND f.site_id = r.site_id)
""")

_FAIL_GRADES = text("""
    INSERT INTO failures (run_id, site_id, stage, reason)
    SELECT :run, s.site_id, :stage, coalesce(known.reason, :otherwise)
    FROM site_runs s
    LEFT JOIN jsonb_each_text(cast(:reasons AS jsonb)) known(domain, reason) USING (domain)
    WHERE s.run_id = :run AND NOT EXISTS (
        SELECT FROM grades g WHERE g.run_id = :run AND g.site_id = s.site_id AND g.grader = :grader
    )
    ON CONFLICT DO NOTHING
""")

_RECOVERED = """
    CASE WHEN f.stage LIKE 'grader-%'
    THEN EXISTS (
        SELECT FROM grades g
        WHERE g.run_id = f.run_id AND g.site_id = f.site_id AND 'grader-' || g.grader = f.stage
    )
    ELSE EXISTS (SELECT FROM site_runs s WHERE s.run_id = f.run_id AND s.site_id = f.site_id)
    END
"""
"""Whether what failed came after all: a row counts, whenever it comes."""

_FAILED = text(f"""
    SELECT f.stage, f.reason, count(*) AS number FROM failures f
    WHERE f.run_id = :run AND NOT ({_RECOVERED})
    GROUP BY f.stage, f.reason ORDER BY number DESC, f.stage, f.reason
""")

_FORGET_RECOVERED = text(f"DELETE FROM failures f WHERE f.run_id = :run AND ({_RECOVERED})")
_FORGET_SITES = text("DELETE FROM failures WHERE run_id = :run AND stage NOT LIKE 'grader-%'")
_FORGET_STAGE = text("DELETE FROM failures WHERE run_id = :run AND stage = :stage")

_UNACCOUNTED = text("""
    SELECT r.domain FROM run_sites r
    WHERE r.run_id = :run
      AND NOT EXISTS (SELECT FROM site_runs s WHERE s.run_id = :run AND s.site_id = r.site_id)
      AND NOT EXISTS (SELECT FROM failures f WHERE f.run_id = :run AND f.site_id = r.site_id)
    ORDER BY r.rank
""")

_UNACCOUNTED_GRADES = text("""
    SELECT s.domain FROM site_runs s
    WHERE s.run_id = :run AND NOT EXISTS (
        SELECT FROM grades g WHERE g.run_id = :run AND g.site_id = s.site_id AND g.grader = :grader
    ) AND NOT EXISTS (
        SELECT FROM failures f
        WHERE f.run_id = :run AND f.site_id = s.site_id AND f.stage = :stage
    )
    ORDER BY s.rank
""")

_FAILED_ONLY = text("""
    SELECT count(DISTINCT site_id) FROM failures f
    WHERE f.run_id = :run
      AND NOT EXISTS (SELECT FROM site_runs s WHERE s.run_id = :run AND s.site_id = f.site_id)
""")

_FAILED_GRADES = text("""
    SELECT count(*) FROM failures f
    WHERE f.run_id = :run AND f.stage = :stage
      AND EXISTS (SELECT FROM site_runs s WHERE s.run_id = :run AND s.site_id = f.site_id)
      AND NOT EXISTS (
          SELECT FROM grades g
          WHERE g.run_id = :run AND g.site_id = f.site_id AND g.grader = :grader
      )
""")

_STRANGERS = text("""
    SELECT s.domain FROM site_runs s
    WHERE s.run_id = :run
      AND NOT EXISTS (SELECT FROM run_sites r WHERE r.run_id = :run AND r.site_id = s.site_id)
    ORDER BY s.domain
""")

_LOOKUPS_PER_SITE = text("""
    SELECT avg(total) FROM (
        SELECT (SELECT sum(value::bigint) FROM jsonb_each_text(lookups)) AS total
        FROM site_runs WHERE run_id = :run LIMIT :sample
    ) counted
""")


def forget_recovered(connection: Connection, run: int) -> None:
    """Forget the failures of what has its row by now."""
    connection.execute(_FORGET_RECOVERED, {"run": run})


def forget_sites(connection: Connection, run: int) -> None:
    """Forget which sites failed to get a SiteRun."""
    connection.execute(_FORGET_SITES, {"run": run})


def forget_grades(connection: Connection, run: int, stage: str) -> None:
    """Forget what the grader of that stage failed on."""
    connection.execute(_FORGET_STAGE, {"run": run, "stage": stage})


def fail_sites(
    connection: Connection,
    run: int,
    stage: str,
    reasons: Mapping[str, str],
    otherwise: str | None = None,
) -> int:
    """Note sites without a SiteRun as failed: those with a reason, by domain, and the others if
    there is an `otherwise`. A site fails once."""
    given = {"run": run, "stage": stage, "reasons": json.dumps(reasons), "otherwise": otherwise}
    return connection.execute(_FAIL_SITES, given).rowcount


def fail_grades(
    connection: Connection,
    run: int,
    grader: str,
    stage: str,
    reasons: Mapping[str, str],
    otherwise: str,
) -> int:
    """Note sites with a SiteRun that `grader` left without a grade as failed in `stage`."""
    given = {"run": run, "stage": stage, "reasons": json.dumps(reasons), "otherwise": otherwise}
    return connection.execute(_FAIL_GRADES, given | {"grader": grader}).rowcount


def stored(connection: Connection, run: int) -> int:
    """Sites of the run with a SiteRun."""
    return _count(connection, select(func.count()).where(site_runs.c.run_id == run))


def fixed(connection: Connection, run: int) -> int:
    """Sites that the run was made of."""
    return _count(connection, select(func.count()).where(run_sites.c.run_id == run))


def failed(connection: Connection, run: int) -> Sequence[Row[str, str, int]]:
    """Stage, reason and number of sites; most first. What has its row by now has not failed."""
    return connection.execute(_FAILED, {"run": run}).all()


def graded(connection: Connection, run: int) -> Sequence[RowMapping]:
    """By grader and version: grades, withheld ones among them, and the mean of the points."""
    found = (
        select(
            grades.c.grader,
            grades.c.grader_version,
            func.count().label("grades"),
            func.count().filter(grades.c.undetermined).label("withheld"),
            func.avg(grades.c.points).label("points"),
        )
        .where(grades.c.run_id == run)
        .group_by(grades.c.grader, grades.c.grader_version)
        .order_by(grades.c.grader, grades.c.grader_version)
    )
    return connection.execute(found).mappings().all()


def letters(connection: Connection, run: int) -> Sequence[Row[str, str | None, int]]:
    """Grader, letter (None: no points) and number of sites."""
    found = (
        select(grades.c.grader, grades.c.letter, func.count())
        .where(grades.c.run_id == run)
        .group_by(grades.c.grader, grades.c.letter)
        .order_by(grades.c.grader, grades.c.letter)
    )
    return connection.execute(found).all()


def top_remarks(connection: Connection, run: int, limit: int) -> Sequence[RowMapping]:
    """The remark kinds that most sites have: tag, level, sites."""
    number = func.count(remarks.c.site_id.distinct()).label("sites")
    found = (
        select(remarks.c.tag, remarks.c.level, number)
        .where(remarks.c.run_id == run)
        .group_by(remarks.c.tag, remarks.c.level)
        .order_by(number.desc(), remarks.c.tag)
        .limit(limit)
    )
    return connection.execute(found).mappings().all()


def versions(connection: Connection, run: int) -> Sequence[RowMapping]:
    """What made the SiteRuns: scanner, processor and reference data, with numbers of sites."""
    columns = (
        site_runs.c.scanner_version,
        site_runs.c.processor_version,
        site_runs.c.reference_name,
        site_runs.c.reference_version,
    )
    number = func.count().label("sites")
    found = select(*columns, number).where(site_runs.c.run_id == run).group_by(*columns)
    return connection.execute(found.order_by(number.desc(), *columns)).mappings().all()


def failed_only(connection: Connection, run: int) -> int:
    """Sites that failed and have no SiteRun."""
    return int(connection.execute(_FAILED_ONLY, {"run": run}).scalar_one())


def failed_grades(connection: Connection, run: int, grader: str, stage: str) -> int:
    """Sites with a SiteRun that failed in `stage` and have no grade of `grader`."""
    given = {"run": run, "grader": grader, "stage": stage}
    return int(connection.execute(_FAILED_GRADES, given).scalar_one())


def unaccounted(connection: Connection, run: int) -> Sequence[str]:
    """Domains of the run that are neither stored nor failed."""
    return connection.execute(_UNACCOUNTED, {"run": run}).scalars().all()


def unaccounted_grades(connection: Connection, run: int, grader: str, stage: str) -> Sequence[str]:
    """Domains with a SiteRun that `grader` has neither graded nor failed in `stage`."""
    given = {"run": run, "grader": grader, "stage": stage}
    return connection.execute(_UNACCOUNTED_GRADES, given).scalars().all()


def strangers(connection: Connection, run: int) -> Sequence[str]:
    """Domains with a SiteRun of the run that it was not made of."""
    return connection.execute(_STRANGERS, {"run": run}).scalars().all()


def sources(connection: Connection, run: int) -> Mapping[int, tuple[int, int]]:
    """By partition of scan-results, the first and the last offset that a SiteRun is from."""
    offset = site_runs.c.source_offset
    found = (
        select(site_runs.c.source_partition, func.min(offset), func.max(offset))
        .where(site_runs.c.run_id == run)
        .group_by(site_runs.c.source_partition)
    )
    return {partition: (first, last) for partition, first, last in connection.execute(found)}


def operators(connection: Connection, run: int, limit: int) -> Sequence[Row[str, int]]:
    """The DNS providers with most sites in the run, and how many."""
    number = func.count().label("sites")
    found = (
        select(site_runs.c.dns_provider, number)
        .where(site_runs.c.run_id == run, site_runs.c.dns_provider.is_not(None))
        .group_by(site_runs.c.dns_provider)
        .order_by(number.desc(), site_runs.c.dns_provider)
        .limit(limit)
    )
    return connection.execute(found).all()


def lookups_per_site(connection: Connection, run: int) -> float | None:
    """The mean over a sample of the run's sites; None where it has none."""
    found = connection.execute(_LOOKUPS_PER_SITE, {"run": run, "sample": SAMPLE}).scalar()
    return None if found is None else float(found)


def _count(connection: Connection, query: Any) -> int:
    return int(connection.execute(query).scalar_one())
