"""What two runs compared amount to: counts over the rows that `diffs.compare` has laid out.

Every function counts for all graders at once; the rows name theirs.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, text

Rows = Sequence[RowMapping]

EXAMPLES = 5
"""Sites that stand for the others, best rank first."""
_SITES = "(array_agg(domain ORDER BY rank) FILTER (WHERE {0}))[1:{1}]"

_KINDS = text("""
    SELECT grader, kind, count(*) AS sites FROM compared GROUP BY grader, kind ORDER BY grader, kind
""")

_CAUSES = text("""
    SELECT grader, part, causes, count(*) AS sites
    FROM compared, LATERAL (VALUES ('rule', rule_causes), ('world', world_causes)) s (part, causes)
    WHERE cardinality(causes) > 0
    GROUP BY grader, part, causes ORDER BY grader, part, sites DESC, causes
""")

_POINTS = text("""
    SELECT grader, count(*) AS sites, sum(old_points) AS old, sum(judged_points) AS judged,
           sum(new_points) AS new, sum(rule) AS rule, sum(world) AS world,
           sum(rule) FILTER (WHERE rule > 0) AS rule_up,
           sum(rule) FILTER (WHERE rule < 0) AS rule_down,
           sum(world) FILTER (WHERE world > 0) AS world_up,
           sum(world) FILTER (WHERE world < 0) AS world_down
    FROM compared WHERE rule IS NOT NULL GROUP BY grader ORDER BY grader
""")

SUMS = (
    "sites",
    "old",
    "judged",
    "new",
    "rule",
    "world",
    "rule_up",
    "rule_down",
    "world_up",
    "world_down",
)
"""What `points` counts."""

_TRANSITIONS = text(f"""
    SELECT grader, part, before, after, count(*) AS sites,
           (array_agg(jsonb_build_object('domain', domain, 'before', points_before,
               'after', points_after) ORDER BY rank))[1:{EXAMPLES}] AS examples
    FROM compared, LATERAL (VALUES
        ('rule', old_standing, old_points, judged_standing, judged_points),
        ('world', judged_standing, judged_points, new_standing, new_points)
    ) AS step (part, before, points_before, after, points_after)
    WHERE before <> after
    GROUP BY grader, part, before, after ORDER BY grader, part, sites DESC, before, after
""")

_LARGEST = text("""
    SELECT grader, kind, domain, rank, old_standing, old_points, judged_standing, judged_points,
           new_standing, new_points, rule, world, rule_causes, world_causes
    FROM (
        SELECT *, row_number() OVER (PARTITION BY grader, kind
            ORDER BY abs(rule) + abs(world) DESC NULLS LAST, rank) AS place
        FROM compared WHERE kind <> 'unchanged'
    ) placed
    WHERE place <= :limit ORDER BY grader, kind, place
""")

_CHANGES = text("SELECT * FROM compared WHERE kind <> 'unchanged' ORDER BY grader, rank, site_id")

_REMARKS = text(f"""
    WITH counted AS (
        SELECT site_id, tag, sum(old) > 0 AS old, sum(old + rule) > 0 AS judged, sum(new) > 0 AS new
        FROM (
            SELECT site_id, tag, 1 AS old, 0 AS rule, 0 AS new
            FROM remarks WHERE run_id = :old AND grader = :grader
            UNION ALL
            SELECT site_id, tag, 0, 0, 1 FROM remarks WHERE run_id = :new AND grader = :grader
            UNION ALL
            SELECT site_id, jsonb_array_elements_text(gained), 0, 1, 0
            FROM grade_changes WHERE regrade_id = :shadow AND grader = :grader
            UNION ALL
            SELECT site_id, jsonb_array_elements_text(lost), 0, -1, 0
            FROM grade_changes WHERE regrade_id = :shadow AND grader = :grader
        ) counts
        GROUP BY site_id, tag
    )
    SELECT part, tag, count(*) FILTER (WHERE after) AS gained,
           count(*) FILTER (WHERE before) AS lost,
           {_SITES.format("after", EXAMPLES)} AS gained_by,
           {_SITES.format("before", EXAMPLES)} AS lost_by
    FROM compared JOIN counted USING (site_id),
         LATERAL (VALUES ('rule', old, judged), ('world', judged, new)) s (part, before, after)
    WHERE grader = :grader AND before <> after
      AND 'missing' <> ALL (ARRAY[old_standing, judged_standing, new_standing])
    GROUP BY part, tag ORDER BY part, count(*) DESC, tag
""")

_ONLY_IN = text("""
    SELECT domain FROM run_sites one WHERE run_id = :run
      AND NOT EXISTS (SELECT FROM run_sites s WHERE s.run_id = :other AND s.site_id = one.site_id)
    ORDER BY rank
""")


def kinds(connection: Connection) -> Rows:
    """Grader, kind, sites."""
    return connection.execute(_KINDS).mappings().all()


def causes(connection: Connection) -> Rows:
    """Grader, part (rule, world), causes (a list), sites."""
    return connection.execute(_CAUSES).mappings().all()


def points(connection: Connection) -> Rows:
    """By grader, over the sites that have points all three times: sums of the points (old, judged,
    new) and of their changes (rule, world; up and down by themselves)."""
    return connection.execute(_POINTS).mappings().all()


def transitions(connection: Connection) -> Rows:
    """Grader, part, standing before and after, sites, and examples with their points."""
    return connection.execute(_TRANSITIONS).mappings().all()


def largest(connection: Connection, limit: int) -> Rows:
    """So many sites of each grader and kind, the largest changes first."""
    return connection.execute(_LARGEST, {"limit": limit}).mappings().all()


def remarks(connection: Connection, old: int, new: int, grader: str, shadow: int | None) -> Rows:
    """Part, tag, sites that gained it and that lost it, with examples. Sites without a grade in
    one of the runs do not count."""
    given = {"old": old, "new": new, "grader": grader, "shadow": shadow}
    return connection.execute(_REMARKS, given).mappings().all()


def only_in(connection: Connection, run: int, other: int) -> Sequence[str]:
    """Domains that are in one run and not in the other, best rank first."""
    return connection.execute(_ONLY_IN, {"run": run, "other": other}).scalars().all()


def changes(connection: Connection) -> Iterator[dict[str, Any]]:
    """Every grade that is not unchanged, as `compared` has it; they need not fit in memory."""
    for row in connection.execute(_CHANGES, execution_options={"yield_per": 5_000}).mappings():
        yield dict(row)
