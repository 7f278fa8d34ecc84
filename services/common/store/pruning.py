"""Removing the rows of a run from the big tables.

What failed to get a SiteRun stays, with its place in the run: no archive could bring it back.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select, text, update

from services.common.store.tables import generations, regrades, runs

_SITES = text("""
    DELETE FROM run_sites r WHERE r.run_id = :run
    AND EXISTS (SELECT FROM site_runs s WHERE s.run_id = :run AND s.site_id = r.site_id)
""")
_FAILURES = text("""
    DELETE FROM failures f WHERE f.run_id = :run
    AND EXISTS (SELECT FROM site_runs s WHERE s.run_id = :run AND s.site_id = f.site_id)
""")
_CHANGES = text("""
    DELETE FROM grade_changes c USING regrades r WHERE r.run_id = :run AND c.regrade_id = r.id
""")
_REPLAYS = (
    text("DELETE FROM replay_failures WHERE replay = ANY(:names)"),
    text("DELETE FROM replay_positions WHERE replay = ANY(:names)"),
)
_REGRADES = text("DELETE FROM regrades WHERE run_id = :run")
_RESTORE = text("""
    INSERT INTO run_sites (run_id, site_id, domain, rank, batch)
    SELECT run_id, site_id, domain, rank, -1 FROM site_runs WHERE run_id = :run
    ON CONFLICT DO NOTHING
""")


def unfinished(connection: Connection, run_id: int) -> list[str]:
    """The replays of a run that were begun and not finished, by name."""
    found = select(regrades.c.id).where(
        regrades.c.run_id == run_id, regrades.c.finished_at.is_(None)
    )
    names = [f"regrade-{number}" for number in connection.execute(found).scalars()]
    last = (
        select(generations.c.generation, generations.c.completed_at)
        .where(generations.c.run_id == run_id)
        .order_by(generations.c.generation.desc())
        .limit(1)
    )
    names += [
        f"reprocess-{run_id}-{row.generation}"
        for row in connection.execute(last)
        if row.completed_at is None
    ]
    return names


def begin(connection: Connection, run_id: int, counts: Mapping[str, int]) -> None:
    """Remove, while the SiteRuns are still there, what they can bring back. `counts` are kept as
    they are now; those of an attempt before this one stay."""
    connection.execute(
        update(runs).where(runs.c.id == run_id, runs.c.counts.is_(None)).values(counts=dict(counts))
    )
    for statement in (_SITES, _FAILURES):
        connection.execute(statement, {"run": run_id})


def finish(connection: Connection, run_id: int, at: datetime) -> None:
    """Remove what replays left, and note that nothing is left to remove. Generations stay, so
    that their numbers are not given again."""
    numbers = select(regrades.c.id).where(regrades.c.run_id == run_id)
    made = select(generations.c.generation).where(generations.c.run_id == run_id)
    names = [f"regrade-{number}" for number in connection.execute(numbers).scalars()]
    names += [f"reprocess-{run_id}-{number}" for number in connection.execute(made).scalars()]
    for statement in _REPLAYS:
        connection.execute(statement, {"names": names})
    for statement in (_CHANGES, _REGRADES):
        connection.execute(statement, {"run": run_id})
    connection.execute(update(runs).where(runs.c.id == run_id).values(pruned_at=at))


def restore(connection: Connection, run_id: int) -> None:
    """Give a pruned run the sites again that have SiteRuns again. Their batches are unknown: -1."""
    connection.execute(_RESTORE, {"run": run_id})
    connection.execute(update(runs).where(runs.c.id == run_id).values(pruned_at=None, counts=None))
