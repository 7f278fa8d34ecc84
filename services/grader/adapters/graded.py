"""The store of the grader service: grades and remarks."""

import time
from collections.abc import Sequence

from sqlalchemy import Engine

from services.common.store import grades
from services.common.store.faults import translated
from services.common.telemetry import metrics
from services.grader.adapters.rows import grade_rows
from services.grader.core.verdict import Graded
from services.grader.handler.judge import Judgement


class GradeStore:
    """The port `Store` of the grade handler."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, judgements: Sequence[Judgement]) -> None:
        rows = grade_rows(judgements, time.time_ns() // 1000)
        with translated(), self._engine.begin() as connection:
            grades.replace(connection, rows)
        metrics.ROWS.labels("grades").inc(len(rows))
        for judgement in judgements:
            metrics.SITES.labels("grader", _outcome(judgement.graded)).inc()


def _outcome(graded: Graded) -> str:
    if graded.undetermined:
        return "withheld"
    return "graded" if graded.applicable else "not applicable"
