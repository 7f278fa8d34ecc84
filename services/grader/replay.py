"""A worker of a regrade: judges the grade requests of its partitions until the group is done.

Started by `dnstats regrade`, any number of times, on any host with the same release.
"""

import argparse
import os
from functools import partial

from sqlalchemy import Engine

from services.common.config import Settings, load
from services.common.messages.window import Window
from services.common.reference.bundle import VERSION
from services.common.reference.load import load as load_reference
from services.common.store import database, generations, regrades
from services.common.store.faults import translated
from services.common.store.regrades import Regrade
from services.common.stream import replay
from services.common.stream.service import Service, start
from services.grader.adapters.regraded import RegradeStore
from services.grader.core.catalogue import GRADERS
from services.grader.core.verdict import Grader
from services.grader.handler import RegradeHandler

NICE = 10
"""The pipeline that goes on comes first."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("regrade", type=int, help="its number")
    options.add_argument("--rate", type=float, help="sites a second; default: no cap")
    given = options.parse_args()
    os.nice(NICE)
    settings = load(Settings)
    service = start("regrade", settings)
    try:
        engine = database.engine(settings.database)
        service.wait_for(lambda: database.verify(engine))
    except (database.BadAddressError, database.SchemaError) as error:
        raise SystemExit(str(error)) from error
    regrade, window = service.wait_for(partial(_load, engine, given.regrade))
    _run(service, engine, regrade, window, given.rate)


def _load(engine: Engine, number: int) -> tuple[Regrade, Window]:
    with translated(), engine.connect() as connection:
        regrade = regrades.load(connection, number)
        if regrade is None:
            raise SystemExit(f"there is no regrade {number}")
        plan = regrade.plan
        return regrade, generations.window_of(connection, plan.run_id, plan.generation)


def _run(
    service: Service, engine: Engine, regrade: Regrade, window: Window, rate: float | None
) -> None:
    handler = RegradeHandler(_graders(regrade), load_reference, RegradeStore(engine, regrade))
    replay.run(
        service.broker,
        window,
        regrade.replay,
        handler,
        keep=regrade.plan.run_id,
        refuse=handler.refuse,
        rate=rate,
        pulse=service.health.pulse(regrade.replay),
        stop=service.stop,
    )


def _graders(regrade: Regrade) -> list[Grader]:
    """Raises SystemExit where this release would judge otherwise than the regrade was begun."""
    plan = regrade.plan
    here = {name: GRADERS[name].version for name in plan.versions if name in GRADERS}
    if here != plan.versions or plan.reference_version != VERSION:
        raise SystemExit(
            f"{regrade.replay} was begun by another release: it judges by {plan.versions} and "
            f"reference data {plan.reference_version}, this one by {here} and {VERSION}"
        )
    return [GRADERS[name] for name in plan.versions]


if __name__ == "__main__":
    main()
