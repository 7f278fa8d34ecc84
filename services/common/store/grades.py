"""Grades and the remarks that explain them, written by the graders."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, text

from services.common.store import tables
from services.common.store.copy import Copy, Upsert

MAX_REMARKS = 50
"""Kept of one grader about one site; how many were cut stands in `grades.remarks_cut`."""

Said = tuple[str, Mapping[str, str]]
"""Tag and arguments of a remark that is kept."""


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

    @property
    def said(self) -> Sequence[Said]:
        return [(remark.tag, remark.args) for remark in self.remarks[:MAX_REMARKS]]


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


@dataclass(frozen=True, slots=True)
class StoredGrade:
    """A grade as it is stored."""

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
    finished_at: int
    scan_id: str
    processor_version: int
    said: Sequence[Said]


_SCAN_ORDER = ("finished_at", "scan_id")
_VERSION_ORDER = ("processor_version", "grader_version", "reference_version")
_upsert = Upsert(tables.grades, order=_SCAN_ORDER + _VERSION_ORDER)
_force = Upsert(tables.grades, order=_SCAN_ORDER)
_add_remarks = Copy(tables.remarks)
_remove_remarks = text(
    "DELETE FROM remarks USING unnest(CAST(:sites AS bigint[]), CAST(:graders AS text[]))"
    " AS graded (site_id, grader) WHERE remarks.run_id = :run_id"
    " AND remarks.site_id = graded.site_id AND remarks.grader = graded.grader"
)


_STORED = text("""
    SELECT site_id, grader, points, letter, undetermined, applicable,
           grader_version, reference_version, reference_name, evidence_hash,
           CAST(extract(epoch FROM finished_at) * 1000000 AS bigint) AS finished_at,
           CAST(scan_id AS text) AS scan_id, processor_version, (
               SELECT json_agg(json_build_array(tag, args) ORDER BY ordinal) FROM remarks r
               WHERE r.run_id = :run AND r.site_id = g.site_id AND r.grader = g.grader
           ) AS said
    FROM grades g
    WHERE run_id = :run AND site_id = ANY(:sites) AND grader = ANY(:graders)
""")


def stored(
    connection: Connection, run: int, sites: Sequence[int], graders: Sequence[str]
) -> Iterator[StoredGrade]:
    """What is there of these sites by these graders; in no order."""
    given = {"run": run, "sites": list(sites), "graders": list(graders)}
    for row in connection.execute(_STORED, given).mappings():
        yield StoredGrade(
            **{**row, "evidence_hash": bytes(row["evidence_hash"])}
            | {"said": [(tag, args) for tag, args in row["said"] or ()]}
        )


def replace(
    connection: Connection, rows: Iterable[GradeRow], *, force: bool = False
) -> list[GradeRow]:
    """Store grades with their remarks and say which were taken: one of an older scan, processor,
    grader or reference data is not, and the remarks in place stay. With `force` only an older scan
    is not."""
    taken = (_force if force else _upsert)(connection, rows)
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
