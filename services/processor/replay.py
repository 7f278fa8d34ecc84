"""A worker of a reprocess: derives a run anew from its scan results, on the topic or archived.

Started by `dnstats reprocess`, any number of times, on any host with the same release.
"""

import argparse
import os
import time
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from services.common.config import load
from services.common.messages.topics import SCAN_RESULTS
from services.common.messages.window import Window
from services.common.reference.bundle import Reference
from services.common.reference.load import load as load_reference
from services.common.store import database, generations
from services.common.store.faults import translated
from services.common.store.generations import Generation, NoWindowError
from services.common.stream import replay
from services.common.stream.archive import Archive, ArchiveError
from services.common.stream.consumer import Released
from services.common.stream.pace import Pace
from services.common.stream.producer import Producer
from services.common.stream.replay import ExpiredError
from services.common.stream.service import Service, start
from services.common.stream.settle import BATCH_MESSAGES, BATCH_SECONDS, Settler, ends_of
from services.common.telemetry.logs import bound
from services.processor.adapters.archived import ArchiveMember
from services.processor.adapters.derivation import derivation
from services.processor.adapters.refusals import Refusals
from services.processor.adapters.site_runs import SiteRunTable
from services.processor.handler import Processor
from services.processor.settings import ProcessorSettings

NICE = 10
"""The pipeline that goes on comes first."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("run", type=int)
    options.add_argument("generation", type=int)
    options.add_argument("--from", type=Path, dest="folder", help="an archive; default: the topic")
    options.add_argument("--rate", type=float, help="sites a second; default: no cap")
    given = options.parse_args()
    os.nice(NICE)
    settings = load(ProcessorSettings, http_port=0)
    service = start("reprocess", settings)
    reference = load_reference(settings.reference)
    try:
        engine = database.engine(settings.database)
        service.wait_for(partial(database.verify, engine))
        generation, window = service.wait_for(
            partial(_load, engine, given.run, given.generation, reference)
        )
        worker = _Worker(service, engine, reference, generation, given.rate)
        archive = Archive(given.folder) if given.folder else None
        _check_source(generation, archive.name if archive else SCAN_RESULTS)
        if archive:
            worker.read_archive(archive)
        else:
            worker.read_topic(window)
    except (
        database.BadAddressError,
        database.SchemaError,
        ArchiveError,
        ExpiredError,
        NoWindowError,
    ) as error:
        raise SystemExit(str(error)) from error


def _load(engine: Engine, run: int, number: int, reference: Reference) -> tuple[Generation, Window]:
    """Raises SystemExit where this release would derive otherwise than the generation was
    begun."""
    with translated(), engine.connect() as connection:
        generation = generations.load(connection, run, number)
        if generation is None:
            raise SystemExit(f"run {run} has no generation {number}")
        here = derivation(generation.derivation.source, reference)
        if generation.derivation != here:
            raise SystemExit(
                f"{generation.replay} was begun by another release: it is {generation.derivation}, "
                f"this one would make {here}"
            )
        return generation, generations.run_window(connection, run, SCAN_RESULTS)


def _check_source(generation: Generation, given: str) -> None:
    if given != generation.derivation.source:
        raise SystemExit(f"{generation.replay} reads {generation.derivation.source}, not {given}")


class _Worker:
    def __init__(
        self,
        service: Service,
        engine: Engine,
        reference: Reference,
        generation: Generation,
        rate: float | None,
    ) -> None:
        self._service = service
        self._engine = engine
        self._generation = generation
        self._rate = rate
        self._handle = Processor(SiteRunTable(engine), reference)
        self._refuse = Refusals(engine, generation.replay)
        self._pulse = service.health.pulse(generation.replay)

    def read_topic(self, window: Window) -> None:
        replay.run(
            self._service.broker,
            window,
            self._generation.replay,
            self._handle,
            keep=self._generation.run_id,
            refuse=self._refuse,
            rate=self._rate,
            pulse=self._pulse,
            stop=self._service.stop,
        )

    def read_archive(self, archive: Archive) -> None:
        """Like `replay.run`, until all of the archive is read, by whomever."""

        def join(_: Released) -> ArchiveMember:
            return ArchiveMember(archive, self._engine, self._generation.replay, self._pulse)

        stop, producer = self._service.stop, Producer(self._service.broker)
        pace = Pace(self._rate) if self._rate else None
        size = pace.batch(BATCH_MESSAGES) if pace else BATCH_MESSAGES
        with (
            bound(group=self._generation.replay),
            Settler(join, producer, self._handle, self._refuse, self._pulse, stop) as settler,
        ):
            while not settler.member.done and not stop.is_set():
                batch = settler.member.read(size, BATCH_SECONDS)
                if batch:
                    settler.settle(batch)
                settler.commit(ends_of(batch))
                if pace and (wait := pace.take(len(batch), time.monotonic())):
                    stop.wait(wait)


if __name__ == "__main__":
    main()
