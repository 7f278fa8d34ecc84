"""Regrades: each judges the grade requests of a run again, for good or as a shadow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.common.store.tables import regrades, run_graders, runs


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be judged, and how; regrades of the same plan give the same grades."""

    run_id: int
    generation: int
    """Of the grade requests; 0 is what the run itself made."""
    versions: Mapping[str, int]
    """Of each grader that judges."""
    reference_version: int
    shadow: bool
    """Grades stay; only what would change is stored."""
    force: bool
    """Older versions may replace newer ones."""


@dataclass(frozen=True, slots=True)
class Regrade:
    id: int
    plan: Plan
    created_at: datetime
    finished_at: datetime | None

    @property
    def replay(self) -> str:
        """Its name, as consumer group and in the tables of replays."""
        return replay_name(self.id)


def replay_name(number: int) -> str:
    """The name of the replay of a regrade."""
    return f"regrade-{number}"


_FORGET_FAILURES = text("""
    DELETE FROM failures f USING grades g
    WHERE f.run_id = :run AND f.stage = 'grader-' || g.grader
      AND g.run_id = :run AND g.site_id = f.site_id
""")


def begin(connection: Connection, plan: Plan, at: datetime) -> Regrade:
    """Begin a regrade, or join the unfinished one of the same plan. Of several that begin at once
    one does, the others join."""
    connection.execute(select(runs.c.id).where(runs.c.id == plan.run_id).with_for_update())
    same = next((one for one in of_run(connection, plan.run_id) if one.plan == plan), None)
    if same and not same.finished_at:
        return same
    values = {
        "run_id": plan.run_id,
        "generation": plan.generation,
        "versions": dict(plan.versions),
        "reference_version": plan.reference_version,
        "shadow": plan.shadow,
        "force": plan.force,
        "created_at": at,
    }
    made = insert(regrades).values(values).returning(regrades.c.id)
    return Regrade(connection.execute(made).scalar_one(), plan, at, None)


def load(connection: Connection, number: int) -> Regrade | None:
    found = connection.execute(select(regrades).where(regrades.c.id == number)).mappings()
    row = found.one_or_none()
    return _regrade(row) if row else None


def of_run(connection: Connection, run_id: int) -> list[Regrade]:
    """Newest first."""
    wanted = select(regrades).where(regrades.c.run_id == run_id).order_by(regrades.c.id.desc())
    return [_regrade(row) for row in connection.execute(wanted).mappings()]


def newest(connection: Connection, limit: int) -> list[Regrade]:
    wanted = select(regrades).order_by(regrades.c.id.desc()).limit(limit)
    return [_regrade(row) for row in connection.execute(wanted).mappings()]


def judged(connection: Connection, run_id: int) -> set[str]:
    """The graders that have judged the run by a finished regrade, shadows left out."""
    return {
        grader
        for regrade in of_run(connection, run_id)
        if regrade.finished_at and not regrade.plan.shadow
        for grader in regrade.plan.versions
    }


def finish(connection: Connection, number: int, at: datetime) -> bool:
    """False where another one has finished it already."""
    unfinished = (regrades.c.id == number) & regrades.c.finished_at.is_(None)
    return (
        connection.execute(update(regrades).where(unfinished).values(finished_at=at)).rowcount == 1
    )


def account(connection: Connection, plan: Plan) -> None:
    """Let the run count the grades of graders that it did not wait for, and forget failures of
    graders that have judged the site by now."""
    rows = [{"run_id": plan.run_id, "grader": grader} for grader in plan.versions]
    connection.execute(upsert(run_graders).on_conflict_do_nothing(), rows)
    connection.execute(_FORGET_FAILURES, {"run": plan.run_id})


def _regrade(row: RowMapping) -> Regrade:
    plan = Plan(
        row["run_id"],
        row["generation"],
        row["versions"],
        row["reference_version"],
        row["shadow"],
        row["force"],
    )
    return Regrade(row["id"], plan, row["created_at"], row["finished_at"])
