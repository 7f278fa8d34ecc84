"""Grades and the remarks that explain them, written by the graders."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, text

from services.common.store import tables
from services.common.store.copy import Copy, Upsert

MAX_REMARKS = 50
"""Kept of one grader about one site; how many were cut stands in `grades.remarks_cut`."""


@dataclass(frozen=True, slots=True)
class RemarkRow:
    tag: str
    level: str
    args: Mapping[str, str]
    lookups: Sequence[Sequence[str]]
    """[name, type, server, status] of each lookup that it rests on."""


@dataclass(frozen=True, slots=True)
class GradeRow:
    """Times are microseconds since the epoch; of more than `MAX_REMARKS` the first are kept."""

    run_id: int
    site_id: int
    grader: str
    points: int | None
    letter: str | None
    undetermined: bool
    applicable: bool
    grader_version: int
    reference_version: int
    reference_name: str
    evidence_hash: bytes
    scan_id: str
    finished_at: int
    processor_version: int
    detail: Mapping[str, Any]
    graded_at: int
    remarks: tuple[RemarkRow, ...]

    @property
    def remarks_cut(self) -> int:
        return max(0, len(self.remarks) - MAX_REMARKS)


@dataclass(frozen=True, slots=True)
class _StoredRemark:
    run_id: int
    site_id: int
    grader: str
    ordinal: int
    tag: str
    level: str
    args: Mapping[str, str]
    lookups: Sequence[Sequence[str]]


_upsert = Upsert(
    tables.grades,
    order=("finished_at", "scan_id", "processor_version", "grader_version", "reference_version"),
)
_add_remarks = Copy(tables.remarks)
_remove_remarks = text(
    "DELETE FROM remarks USING unnest(CAST(:sites AS bigint[]), CAST(:graders AS text[]))"
    " AS graded (site_id, grader) WHERE remarks.run_id = :run_id"
    " AND remarks.site_id = graded.site_id AND remarks.grader = graded.grader"
)


def replace(connection: Connection, rows: Iterable[GradeRow]) -> list[GradeRow]:
    """Store grades with their remarks and say which were taken: one of an older scan, processor,
    grader or reference data is not, and the remarks in place stay."""
    taken = _upsert(connection, rows)
    by_run = attrgetter("run_id")
    for run_id, graded in groupby(sorted(taken, key=by_run), by_run):
        accepted = list(graded)
        keys = {
            "run_id": run_id,
            "sites": [row.site_id for row in accepted],
            "graders": [row.grader for row in accepted],
        }
        connection.execute(_remove_remarks, keys)
    _add_remarks(connection, (remark for row in taken for remark in _remarks(row)))
    return taken


def _remarks(row: GradeRow) -> list[_StoredRemark]:
    return [
        _StoredRemark(
            row.run_id,
            row.site_id,
            row.grader,
            ordinal,
            remark.tag,
            remark.level,
            remark.args,
            remark.lookups,
        )
        for ordinal, remark in enumerate(row.remarks[:MAX_REMARKS])
    ]
