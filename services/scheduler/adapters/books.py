"""The books of a run, from the database and the broker."""

from sqlalchemy import Connection, Engine

from services.common.store import outcomes, regrades
from services.scheduler.adapters.transaction import transaction
from services.scheduler.core.accounts import Account, Books
from services.scheduler.core.barriers import all_barriers, grader_group
from services.scheduler.core.run import Run
from services.scheduler.handler.ports import Topics


def count(engine: Engine, topics: Topics, run: Run) -> Books:
    """Raises BrokenError."""
    barriers = all_barriers(run.barriers) if run.queued_at else ()
    with transaction(engine) as connection:
        regraded = {grader_group(name) for name in regrades.judged(connection, run.id)}
    positions = {
        (barrier.group, barrier.topic): topics.positions(barrier.group, barrier.topic)
        for barrier in barriers
        if barrier.group not in regraded
    }
    with transaction(engine) as connection:
        stored = outcomes.stored(connection, run.id)
        return Books(
            sites=Account(
                expected=outcomes.fixed(connection, run.id),
                stored=stored,
                failed=outcomes.failed_only(connection, run.id),
                missing=outcomes.unaccounted(connection, run.id),
            ),
            graders={name: _grades(connection, run.id, name, stored) for name in run.graders},
            strangers=outcomes.strangers(connection, run.id),
            sources=outcomes.sources(connection, run.id),
            positions=positions,
        )


def _grades(connection: Connection, run: int, grader: str, expected: int) -> Account:
    stage = grader_group(grader)
    return Account(
        expected=expected,
        stored=sum(
            row["grades"] for row in outcomes.graded(connection, run) if row["grader"] == grader
        ),
        failed=outcomes.failed_grades(connection, run, grader, stage),
        missing=outcomes.unaccounted_grades(connection, run, grader, stage),
    )
