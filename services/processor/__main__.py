"""The processor service: scan results in, SiteRuns into the store, grade requests out."""

from collections.abc import Sequence

from sqlalchemy import Engine

from services.common.config import load
from services.common.messages.topics import SCAN_RESULTS
from services.common.reference.load import load as load_reference
from services.common.store import database, site_runs
from services.common.store.faults import translated
from services.common.stream import loop
from services.common.stream.service import start
from services.common.telemetry import metrics
from services.processor.core.site_run import SiteRun
from services.processor.handler import Processor
from services.processor.settings import ProcessorSettings

GROUP = "processor"


def main() -> None:
    settings = load(ProcessorSettings)
    service = start(GROUP, settings)
    engine = database.engine(settings.database)
    try:
        service.wait_for(lambda: database.verify(engine))
    except database.SchemaError as error:
        raise SystemExit(str(error)) from error
    loop.run(
        service.broker,
        [SCAN_RESULTS],
        GROUP,
        Processor(SiteRunTable(engine), load_reference(settings.reference)),
        service=GROUP,
        pulse=service.health.pulse(GROUP),
        stop=service.stop,
    )


class SiteRunTable:
    """SiteRuns in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def store(self, rows: Sequence[SiteRun]) -> None:
        with translated(), self._engine.begin() as connection:
            taken = site_runs.upsert(connection, rows)
        metrics.ROWS.labels("site_runs").inc(len(taken))
        metrics.SITES.labels(GROUP, "stored").inc(len(taken))
        metrics.SITES.labels(GROUP, "outdated").inc(len(rows) - len(taken))


if __name__ == "__main__":
    main()
