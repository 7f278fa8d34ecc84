"""The processor service: scan results in, SiteRuns into the store, grade requests out."""

from functools import partial

from services.common.config import load
from services.common.messages.topics import SCAN_RESULTS
from services.common.reference.load import load as load_reference
from services.common.store import database, runs
from services.common.stream import loop
from services.common.stream.service import start
from services.processor.adapters.site_runs import SiteRunTable
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
        run_starts=partial(runs.starts_of_open, engine),
        service=GROUP,
        pulse=service.health.pulse(GROUP),
        stop=service.stop,
    )


if __name__ == "__main__":
    main()
