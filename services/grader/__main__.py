"""The grader service: a consumer group per grader, each with a loop in a thread of its own."""

import argparse
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial

from sqlalchemy import Engine

from services.common.config import load
from services.common.messages.topics import GRADE_REQUESTS
from services.common.reference.load import load as load_reference
from services.common.store import database, runs
from services.common.stream import loop
from services.common.stream.service import Service, start
from services.grader.adapters.graded import GradeStore
from services.grader.core.catalogue import GRADERS
from services.grader.handler import GradeHandler
from services.grader.settings import GraderSettings


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--graders", help=f"of {', '.join(GRADERS)}; default all")
    settings = load(GraderSettings, **vars(options.parse_args()))
    service = start("grader", settings)
    try:
        engine = database.engine(settings.database)
        service.wait_for(lambda: database.verify(engine))
    except (database.BadAddressError, database.SchemaError) as error:
        raise SystemExit(str(error)) from error
    with ThreadPoolExecutor(len(settings.graders), thread_name_prefix="grader") as threads:
        running = [threads.submit(_run, service, engine, name) for name in settings.graders]
        finished, _ = wait(running, return_when=FIRST_EXCEPTION)
        service.stop.set()
    for end in finished:
        end.result()


def _run(service: Service, engine: Engine, name: str) -> None:
    group = f"grader-{name}"
    loop.run(
        service.broker,
        [GRADE_REQUESTS],
        group,
        GradeHandler(GRADERS[name], load_reference, GradeStore(engine)),
        run_starts=partial(runs.starts_of_open, engine),
        service=group,
        pulse=service.health.pulse(group),
        stop=service.stop,
    )


if __name__ == "__main__":
    main()
