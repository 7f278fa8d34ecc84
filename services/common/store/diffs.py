"""Two runs compared, grade by grade, in the database.

`compare` lays one row per site and grader into `compared`, a temporary table of the transaction,
classed as `services.grader.core.attribution` defines it; `diff_counts` counts those rows. What is
called judged is the evidence of the first run under the rules of the second.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, text

from services.common.store.tables import grades, regrades


@dataclass(frozen=True, slots=True)
class Rules:
    """What judged grades besides the evidence."""

    grader_version: int
    reference_version: int
    reference_name: str

    def __str__(self) -> str:
        reference = f"reference data {self.reference_name} {self.reference_version}"
        return f"version {self.grader_version} with {reference}"


def _standing(row: str) -> str:
    return (
        f"CASE WHEN {row}.site_id IS NULL THEN 'missing' WHEN {row}.undetermined THEN 'withheld'"
        f" WHEN {row}.points IS NULL THEN 'not applicable' ELSE 'points' END"
    )


_CREATE = text("""
    CREATE TEMP TABLE IF NOT EXISTS compared (
        site_id bigint, domain text, rank bigint, grader text,
        old_standing text, old_points int, judged_standing text, judged_points int,
        new_standing text, new_points int,
        rule int, world int, rule_causes text[], world_causes text[], kind text
    ) ON COMMIT DROP
""")

_MEMORY = text("SET LOCAL work_mem = '128MB'")
"""Sorting millions of remarks on disk takes several times as long."""

_COMPARE = text(f"""
    INSERT INTO compared
    WITH changed AS (
        SELECT site_id, new_points AS points, new_undetermined AS undetermined,
               new_version AS version, new_reference_version AS reference, new_hash AS hash
        FROM grade_changes WHERE regrade_id = :shadow AND grader = :grader
    ), old AS (
        SELECT site_id, points, undetermined, grader_version AS version,
               reference_version AS reference, evidence_hash AS hash, finished_at
        FROM grades WHERE run_id = :old AND grader = :grader
    ), judged AS (
        SELECT * FROM changed
        UNION ALL
        SELECT site_id, points, undetermined, version, reference, hash FROM old
        WHERE NOT EXISTS (SELECT FROM changed WHERE changed.site_id = old.site_id)
    ), failed AS (
        SELECT DISTINCT domain FROM replay_failures
        WHERE replay = 'regrade-' || :shadow AND stage = 'grader-' || :grader
    ), sides AS (
        SELECT s.site_id, s.domain, s.rank,
               {_standing("old")} AS old_standing, old.points AS old_points,
               CASE WHEN failed.domain IS NULL THEN {_standing("judged")} END AS judged_standing,
               CASE WHEN failed.domain IS NULL THEN judged.points END AS judged_points,
               {_standing("new")} AS new_standing, new.points AS new_points,
               old.version IS DISTINCT FROM judged.version AS other_version,
               old.reference IS DISTINCT FROM judged.reference AS other_reference,
               old.hash IS DISTINCT FROM judged.hash AS derived_anew,
               judged.hash IS DISTINCT FROM new.evidence_hash AS other_evidence,
               old.finished_at IS DISTINCT FROM new.finished_at AS other_time
        FROM run_sites s
        JOIN run_sites before ON before.run_id = :old AND before.site_id = s.site_id
        LEFT JOIN old ON old.site_id = s.site_id
        LEFT JOIN judged ON judged.site_id = s.site_id
        LEFT JOIN failed ON failed.domain = s.domain
        LEFT JOIN grades new
          ON new.run_id = :new AND new.grader = :grader AND new.site_id = s.site_id
        WHERE s.run_id = :new
    ), parts AS (
        SELECT *, judged_standing IS NULL AS unjudged,
               (old_standing, old_points) IS DISTINCT FROM (judged_standing, judged_points)
                   AND judged_standing IS NOT NULL AS by_rule,
               (judged_standing, judged_points) IS DISTINCT FROM (new_standing, new_points)
                   AND judged_standing IS NOT NULL AS by_world
        FROM sides
    ), causes AS (
        SELECT *,
               CASE WHEN NOT by_rule THEN '{{}}'
                    WHEN 'missing' IN (old_standing, judged_standing) THEN ARRAY['grader']
                    WHEN NOT (other_version OR other_reference OR derived_anew)
                    THEN ARRAY['unexplained']
                    ELSE array_remove(ARRAY[CASE WHEN other_version THEN 'grader' END,
                                            CASE WHEN other_reference THEN 'reference' END,
                                            CASE WHEN derived_anew THEN 'evidence' END], NULL)
               END AS rule_causes,
               CASE WHEN NOT by_world THEN '{{}}' WHEN other_evidence THEN ARRAY['evidence']
                    WHEN other_time THEN ARRAY['time'] ELSE ARRAY['unexplained']
               END AS world_causes
        FROM parts
    )
    SELECT site_id, domain, rank, :grader,
           old_standing, old_points, judged_standing, judged_points, new_standing, new_points,
           CASE WHEN new_points IS NOT NULL THEN judged_points - old_points END,
           CASE WHEN old_points IS NOT NULL THEN new_points - judged_points END,
           rule_causes, world_causes,
           CASE WHEN unjudged THEN 'unjudged'
                WHEN NOT by_rule AND NOT by_world THEN 'unchanged'
                WHEN 'unexplained' = ANY(rule_causes || world_causes) THEN 'unexplained'
                WHEN NOT by_world THEN 'rule'
                WHEN NOT by_rule THEN 'world'
                WHEN (old_standing, old_points) IS NOT DISTINCT FROM (new_standing, new_points)
                THEN 'cancelled'
                ELSE 'both' END
    FROM causes
""")

_ALIKE_BUT_DIFFERENT = text("""
    SELECT EXISTS (
        SELECT FROM grades o JOIN grades n USING (site_id, grader, grader_version,
            reference_version, reference_name, evidence_hash)
        WHERE o.run_id = :old AND n.run_id = :new AND grader = :grader
          AND (o.points, o.undetermined, o.applicable)
              IS DISTINCT FROM (n.points, n.undetermined, n.applicable)
    )
""")


def rules_of(connection: Connection, run_id: int) -> Mapping[str, Mapping[Rules, int]]:
    """By grader what judged the run's grades, and how many of them."""
    columns = grades.c
    rules = (columns.grader_version, columns.reference_version, columns.reference_name)
    found = (
        select(columns.grader, *rules, func.count())
        .where(columns.run_id == run_id)
        .group_by(columns.grader, *rules)
        .order_by(columns.grader, *rules)
    )
    counted: dict[str, dict[Rules, int]] = {}
    for grader, version, reference, name, number in connection.execute(found):
        counted.setdefault(grader, {})[Rules(version, reference, name)] = number
    return counted


def processors_of(connection: Connection, run_id: int) -> list[int]:
    """The versions of the processor that derived what the run's grades judged."""
    found = select(grades.c.processor_version).where(grades.c.run_id == run_id).distinct()
    return list(connection.execute(found.order_by(grades.c.processor_version)).scalars())


def shadow_of(
    connection: Connection, run_id: int, generation: int, grader: str, rules: Rules
) -> int | None:
    """The newest finished shadow regrade of this generation by these rules; none that a grade of
    the run is younger than, for what was unchanged then may not be now."""
    latest = select(func.max(grades.c.graded_at)).where(
        grades.c.run_id == run_id, grades.c.grader == grader
    )
    since = func.coalesce(latest.scalar_subquery(), text("'-infinity'"))
    found = (
        select(regrades.c.id)
        .where(
            regrades.c.run_id == run_id,
            regrades.c.generation == generation,
            regrades.c.versions[grader].as_integer() == rules.grader_version,
            regrades.c.reference_version == rules.reference_version,
            regrades.c.shadow,
            regrades.c.finished_at.is_not(None),
            regrades.c.created_at > since,
        )
        .order_by(regrades.c.id.desc())
        .limit(1)
    )
    return connection.execute(found).scalar_one_or_none()


def is_suspicious(connection: Connection, old: int, new: int, grader: str) -> bool:
    """Whether equal evidence was judged differently by equal rules: by time, or by rules that
    changed without a new version."""
    given = {"old": old, "new": new, "grader": grader}
    return bool(connection.execute(_ALIKE_BUT_DIFFERENT, given).scalar_one())


def compare(connection: Connection, old: int, new: int, grader: str, shadow: int | None) -> None:
    """Add the sites that are in both runs. Without a shadow the rules are taken to be equal."""
    connection.execute(_MEMORY)
    connection.execute(_CREATE)
    given = {"old": old, "new": new, "grader": grader, "shadow": shadow}
    connection.execute(_COMPARE, given)
    connection.execute(text("ANALYZE compared"))
