"""The store of a regrade: what changes, and unless it is a shadow the grades themselves."""

import time
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, Engine

from services.common.store import grade_changes, grades, replays
from services.common.store.faults import translated
from services.common.store.grade_changes import ChangeRow
from services.common.store.grades import GradeRow, StoredGrade
from services.common.store.regrades import Regrade
from services.common.store.replays import Failure
from services.common.telemetry import metrics
from services.grader.adapters.rows import grade_rows
from services.grader.core.change import change, replaces
from services.grader.handler.judge import Judgement
from services.grader.handler.regrade import Failed

Key = tuple[int, str]
"""Site and grader."""


class RegradeStore:
    """The port `Store` of the regrade handler."""

    def __init__(self, engine: Engine, regrade: Regrade) -> None:
        self._engine = engine
        self._regrade = regrade
        self._plan = regrade.plan

    def __call__(self, judgements: Sequence[Judgement], failed: Sequence[Failed]) -> None:
        rows = grade_rows(judgements, time.time_ns() // 1000)
        with translated(), self._engine.begin() as connection:
            before = self._before(connection, rows)
            if self._plan.shadow:
                taken = _newest(rows, before, force=self._plan.force)
            else:
                taken = grades.replace(connection, rows, force=self._plan.force)
            grade_changes.put(connection, self._changes(taken, before))
            replays.note_failures(connection, self._regrade.replay, map(_failure, failed))
        metrics.SITES.labels("regrade", "judged").inc(len(rows))
        metrics.SITES.labels("regrade", "failed").inc(len(failed))

    def _before(self, connection: Connection, rows: Iterable[GradeRow]) -> dict[Key, StoredGrade]:
        """The grades in place; not those that this regrade has added itself, so that a message
        that is delivered again, or a later scan, still compares with nothing."""
        sites = sorted({row.site_id for row in rows})
        graders = sorted(self._plan.versions)
        known = {
            (grade.site_id, grade.grader): grade
            for grade in grades.stored(connection, self._plan.run_id, sites, graders)
        }
        for key in grade_changes.added(connection, self._regrade.id, sites):
            known.pop(key, None)
        return known

    def _changes(
        self, taken: Iterable[GradeRow], before: Mapping[Key, StoredGrade]
    ) -> Iterable[ChangeRow]:
        for row in taken:
            old = before.get((row.site_id, row.grader))
            found = change(old, row)
            if found:
                yield ChangeRow(
                    self._regrade.id,
                    row.site_id,
                    row.grader,
                    old.points if old else None,
                    old.letter if old else None,
                    old.undetermined if old else None,
                    old.applicable if old else None,
                    old.grader_version if old else None,
                    old.reference_version if old else None,
                    old.evidence_hash if old else None,
                    row.points,
                    row.letter,
                    row.undetermined,
                    row.applicable,
                    row.grader_version,
                    row.reference_version,
                    row.evidence_hash,
                    found.gained,
                    found.lost,
                    found.reworded,
                    found.causes,
                )


def _newest(
    rows: Iterable[GradeRow], before: Mapping[Key, StoredGrade], *, force: bool
) -> list[GradeRow]:
    """The grades that the store would take: none that is older than another one of the same site,
    or than the one in place."""
    newest: dict[Key, GradeRow] = {}
    for row in rows:
        key = (row.site_id, row.grader)
        rival = newest.get(key) or before.get(key)
        if rival is None or replaces(row, rival, force=force):
            newest[key] = row
    return list(newest.values())


def _failure(failed: Failed) -> Failure:
    incoming = failed.incoming
    stage = f"grader-{failed.grader}"
    return Failure(stage, incoming.partition, incoming.offset, failed.domain, failed.reason)
