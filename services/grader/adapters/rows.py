"""Judgements as rows of the store."""

from collections.abc import Sequence

from services.common.store import grades
from services.grader.core.scoring import letter
from services.grader.handler.judge import Judgement


def grade_rows(judgements: Sequence[Judgement], graded_at: int) -> list[grades.GradeRow]:
    """`graded_at` is microseconds since the epoch."""
    return [_row(judgement, graded_at) for judgement in judgements]


def _row(judgement: Judgement, graded_at: int) -> grades.GradeRow:
    request, graded = judgement.request, judgement.graded
    return grades.GradeRow(
        run_id=request.run_id,
        site_id=request.site_id,
        grader=judgement.grader.name,
        points=graded.points,
        letter=None if graded.points is None else letter(graded.points),
        undetermined=graded.undetermined,
        applicable=graded.applicable,
        grader_version=judgement.grader.version,
        reference_version=judgement.reference.version,
        reference_name=judgement.reference.name,
        evidence_hash=judgement.evidence_hash,
        scan_id=request.scan_id,
        finished_at=request.finished_at,
        processor_version=request.processor_version,
        detail=graded.detail,
        graded_at=graded_at,
        remarks=tuple(
            grades.RemarkRow(remark.kind.tag, remark.kind.level, remark.args, remark.lookups)
            for remark in graded.remarks
        ),
    )
