"""What regrades changed, or would change: a row per site and grader, only where something is
different."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from services.common.store import tables
from services.common.store.copy import Copy


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """The old columns are None where no grade was."""

    regrade_id: int
    site_id: int
    grader: str
    old_points: int | None
    old_letter: str | None
    old_undetermined: bool | None
    old_applicable: bool | None
    old_version: int | None
    old_reference_version: int | None
    old_hash: bytes | None
    new_points: int | None
    new_letter: str | None
    new_undetermined: bool
    new_applicable: bool
    new_version: int
    new_reference_version: int
    new_hash: bytes
    gained: Sequence[str]
    lost: Sequence[str]
    reworded: Sequence[str]
    causes: Sequence[str]


_KEY = ("regrade_id", "site_id", "grader")
_OLD = ("old_version", "old_reference_version", "old_hash", "old_points")
_STAGING = "staging_grade_changes"
_copy = Copy(tables.grade_changes)
_CREATE = text(
    f"CREATE TEMP TABLE IF NOT EXISTS {_STAGING} (LIKE grade_changes) ON COMMIT DELETE ROWS"
)
_MERGE = text(
    f"INSERT INTO grade_changes AS stored SELECT * FROM {_STAGING} ORDER BY {', '.join(_KEY)}"
    f" ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _copy.names if name not in _KEY)
    + f" WHERE ({', '.join(f'excluded.{name}' for name in _OLD)})"
    f" IS NOT DISTINCT FROM ({', '.join(f'stored.{name}' for name in _OLD)})"
)
_ADDED = text("""
    SELECT site_id, grader FROM grade_changes
    WHERE regrade_id = :regrade AND site_id = ANY(:sites) AND old_version IS NULL
""")


def put(connection: Connection, rows: Iterable[ChangeRow]) -> None:
    """Store changes, at most one of each site and grader, once in a transaction. One that compares
    with another old grade than the change in place is a second look and left out: that old grade
    is of this regrade itself."""
    connection.execute(_CREATE)
    _copy.copy(connection, rows, _STAGING)
    connection.execute(_MERGE)


def added(connection: Connection, regrade: int, sites: Sequence[int]) -> set[tuple[int, str]]:
    """Of these sites, site and grader where there was no grade before this regrade."""
    found = connection.execute(_ADDED, {"regrade": regrade, "sites": list(sites)})
    return {(row.site_id, row.grader) for row in found}
