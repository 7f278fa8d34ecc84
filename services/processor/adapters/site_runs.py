"""SiteRuns in PostgreSQL."""

from collections.abc import Sequence

from sqlalchemy import Engine

from services.common.store import site_runs
from services.common.store.faults import translated
from services.common.telemetry import metrics
from services.processor.core.site_run import SiteRun

SERVICE = "processor"


class SiteRunTable:
    """The port `SiteRuns`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def store(self, rows: Sequence[SiteRun]) -> None:
        with translated(), self._engine.begin() as connection:
            taken = site_runs.upsert(connection, rows)
        metrics.ROWS.labels("site_runs").inc(len(taken))
        metrics.SITES.labels(SERVICE, "stored").inc(len(taken))
        metrics.SITES.labels(SERVICE, "outdated").inc(len(rows) - len(taken))
