"""What a regrade changed, counted from its changes and the grades of its run. Reads only."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, RowMapping, text

Rows = Sequence[RowMapping]

_BY_GRADER = text("""
    SELECT grader, count(*) AS number FROM grade_changes WHERE regrade_id = :regrade GROUP BY grader
""")

_TOTALS = text("""
    SELECT grader,
           count(g.site_id) AS grades,
           count(c.site_id) AS changed,
           count(*) FILTER (WHERE c.site_id IS NOT NULL AND old_version IS NULL) AS added,
           count(*) FILTER (WHERE new_points > old_points) AS up,
           count(*) FILTER (WHERE new_points < old_points) AS down,
           count(*) FILTER (WHERE new_undetermined AND NOT old_undetermined) AS withheld,
           count(*) FILTER (WHERE old_undetermined AND NOT new_undetermined) AS determined,
           count(*) FILTER (
               WHERE old_version IS NOT NULL AND old_points IS NOT DISTINCT FROM new_points
                 AND (old_undetermined, old_applicable) = (new_undetermined, new_applicable)
           ) AS remarks_only,
           avg(CASE WHEN c.site_id IS NULL THEN g.points ELSE old_points END) AS mean_before,
           avg(CASE WHEN c.site_id IS NULL THEN g.points ELSE new_points END) AS mean_after
    FROM (
        SELECT site_id, grader, points FROM grades
        WHERE run_id = :run AND grader = ANY(:graders)
    ) g FULL JOIN (
        SELECT * FROM grade_changes WHERE regrade_id = :regrade
    ) c USING (site_id, grader)
    GROUP BY grader ORDER BY grader
""")

_CAUSES = text("""
    SELECT grader, causes, count(*) AS grades FROM grade_changes
    WHERE regrade_id = :regrade AND old_version IS NOT NULL
    GROUP BY grader, causes ORDER BY grader, grades DESC, causes
""")

_KINDS = text("""
    WITH told AS (
        SELECT DISTINCT c.grader, way, tag, c.site_id, old_points, new_points
        FROM grade_changes c
        CROSS JOIN LATERAL (
            VALUES ('gained', gained), ('lost', lost), ('reworded', reworded)
        ) ways (way, tags)
        CROSS JOIN LATERAL jsonb_array_elements_text(tags) tag
        WHERE regrade_id = :regrade AND old_version IS NOT NULL
    ), placed AS (
        SELECT told.*, domain, row_number() OVER (
            PARTITION BY grader, way, tag
            ORDER BY abs(coalesce(new_points, 0) - coalesce(old_points, 0)) DESC, rank
        ) AS place
        FROM told JOIN run_sites s ON s.run_id = :run AND s.site_id = told.site_id
    )
    SELECT grader, way, tag, count(*) AS sites,
           count(*) FILTER (WHERE new_points < old_points) AS down,
           count(*) FILTER (WHERE new_points > old_points) AS up,
           json_agg(
               json_build_object('domain', domain, 'before', old_points, 'after', new_points)
               ORDER BY place
           ) FILTER (WHERE place <= :examples) AS examples
    FROM placed GROUP BY grader, way, tag ORDER BY sites DESC, grader, way, tag
""")


def by_grader(connection: Connection, regrade: int) -> Mapping[str, int]:
    """How many grades of each grader changed; graders that changed none are left out."""
    found = connection.execute(_BY_GRADER, {"regrade": regrade})
    return {row.grader: row.number for row in found}


def totals(connection: Connection, regrade: int, run: int, graders: Sequence[str]) -> Rows:
    """By grader: the run's grades, how they changed, and the mean of the points before and after.
    Means are exact until the run is regraded again; a mean is None where there are no points."""
    given = {"regrade": regrade, "run": run, "graders": list(graders)}
    return connection.execute(_TOTALS, given).mappings().all()


def causes(connection: Connection, regrade: int) -> Rows:
    """Sets of causes of each grader with the number of changed grades that have them; most first.
    The empty set: a version was not raised."""
    return connection.execute(_CAUSES, {"regrade": regrade}).mappings().all()


def kinds(connection: Connection, regrade: int, run: int, examples: int) -> Rows:
    """By grader, way (gained, lost, reworded) and tag: sites, those that lost or won points among
    them, and a few to look at, greatest change of points first. Most sites first."""
    given = {"regrade": regrade, "run": run, "examples": examples}
    return connection.execute(_KINDS, given).mappings().all()
