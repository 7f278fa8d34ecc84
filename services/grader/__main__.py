"""The grader service: a consumer group per grader, each with a loop in a thread of its own."""

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial

from sqlalchemy import Engine

from services.common.config import load
from services.common.messages.topics import GRADE_REQUESTS
from services.common.reference.load import load as load_reference
from services.common.store import database, grades, runs
from services.common.store.faults import translated
from services.common.stream import loop
from services.common.stream.service import Service, start
from services.common.telemetry import metrics
from services.grader.core.catalogue import GRADERS
from services.grader.core.scoring import letter
from services.grader.core.verdict import Graded
from services.grader.handler import GradeHandler, Judgement
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
        GradeHandler(GRADERS[name], load_reference, _Grades(engine)),
        run_starts=partial(runs.starts_of_open, engine),
        service=group,
        pulse=service.health.pulse(group),
        stop=service.stop,
    )


class _Grades:
    """The store of grades and remarks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, judgements: Sequence[Judgement]) -> None:
        graded_at = time.time_ns() // 1000
        rows = [_row(judgement, graded_at) for judgement in judgements]
        with translated(), self._engine.begin() as connection:
            grades.replace(connection, rows)
        metrics.ROWS.labels("grades").inc(len(rows))
        for judgement in judgements:
            metrics.SITES.labels("grader", _outcome(judgement.graded)).inc()


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


def _outcome(graded: Graded) -> str:
    if graded.undetermined:
        return "withheld"
    return "graded" if graded.applicable else "not applicable"


if __name__ == "__main__":
    main()
