"""One row per site and run, written by the processor."""

from collections.abc import Iterable

from sqlalchemy import Connection

from services.common.store import tables
from services.common.store.copy import Row, Upsert

NOT_COLLECTED = ("ns_server_ns_results", "has_securitytxt")
"""Columns that no scan fills yet."""

_upsert = Upsert(
    tables.site_runs,
    order=("finished_at", "scan_id", "processor_version", "reference_version"),
    omit=NOT_COLLECTED,
    # A copy of a scan result, sent again after the run, must not lead out of the run's window.
    origin=("scan_id", "source_topic", "source_partition", "source_offset"),
)


def upsert(connection: Connection, rows: Iterable[Row]) -> list[Row]:
    """Store rows (objects with an attribute per column; times in microseconds since the epoch)
    and say which were taken: a row of an older scan or processor is not."""
    return _upsert(connection, rows)
