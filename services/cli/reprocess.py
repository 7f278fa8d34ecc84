"""`dnstats reprocess`: derive a closed run anew from its scan results."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from services.cli import reprocess_report
from services.cli.access import Access, access, now
from services.cli.archive import opened
from services.cli.fail import BAD_INPUT, fail, failing
from services.cli.settled import await_graders
from services.cli.workers import work
from services.common.messages.topics import GRADE_REQUESTS, SCAN_RESULTS
from services.common.reference.load import load as load_reference
from services.common.store import generations, outcomes, partitions, pruning, replays
from services.common.store.faults import translated
from services.common.store.generations import Generation, NoWindowError, OvertakenError
from services.common.stream import replay
from services.common.stream.archive import Archive, ArchiveError
from services.common.stream.offsets import Offsets
from services.common.stream.replay import ExpiredError
from services.processor.adapters.derivation import derivation
from services.scheduler.adapters.transaction import transaction
from services.scheduler.core.run import Run

Number = Annotated[int, typer.Argument(metavar="RUN")]
Folder = Annotated[
    Path | None, typer.Option("--from", help="An archive of the run; default: the topic")
]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Processes on this machine")]
Rate = Annotated[float, typer.Option(min=0, help="Sites a second; 0: no cap")]
Wait = Annotated[bool, typer.Option(help="Until the graders are done too")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs")]


def reprocess(
    number: Number,
    folder: Folder = None,
    workers: Workers = 1,
    rate: Rate = 1000,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Derive the SiteRuns of a closed run anew and have them graded. Newer wins: what a newer
    release derived stays. Interrupted, or on another host, the same command goes on."""
    with (
        access() as at,
        failing(NoWindowError, status=BAD_INPUT),
        failing(OvertakenError, ExpiredError, ArchiveError),
    ):
        run = at.run(number)
        if not run.closed:
            fail(f"run {run.id} is {run.state}: only a closed run can be derived anew", BAD_INPUT)
        again = _Reprocess(at, run, folder)
        generation = again.begin()
        progress = partial(again.progress, generation)
        work(again.command(generation, rate / workers), workers, progress, "derived")
        generation = again.complete(generation)
        missing = again.graded(generation) if wait else []
        said = reprocess_report.report(at.engine, run, generation, missing)
    print(json.dumps(said, indent=2) if as_json else reprocess_report.text(said))
    sys.exit(1 if missing else 0)


class _Reprocess:
    """Raises NoWindowError, ExpiredError or ArchiveError where the source is not all there."""

    def __init__(self, at: Access, run: Run, folder: Path | None) -> None:
        self._at = at
        self._run = run
        self._broker = at.broker
        self._offsets = Offsets(self._broker)
        with transaction(at.engine) as connection:
            self._window = generations.run_window(connection, run.id, SCAN_RESULTS)
        self._archive: Archive | None = None
        if folder:
            self._archive = opened(folder, run.id, self._window)
        else:
            replay.check(self._offsets, self._window)

    def begin(self) -> Generation:
        """Begin a generation or join the unfinished one."""
        source = self._archive.name if self._archive else SCAN_RESULTS
        wanted = derivation(source, load_reference(self._at.settings.reference))
        starts = self._offsets.ends(GRADE_REQUESTS)
        if self._run.counts is not None:  # it is pruned, or was about to be
            with translated():
                partitions.create(self._at.engine, self._run.id)
        with transaction(self._at.engine) as connection:
            begun = generations.begin(connection, self._run.id, wanted, starts, now())
        if not self._archive:
            replay.begin(self._offsets, self._window, begun.replay)
        return begun

    def command(self, generation: Generation, rate: float) -> list[str]:
        """Of a worker."""
        said = [sys.executable, "-m", "services.processor.replay"]
        said += [str(generation.run_id), str(generation.number)]
        if self._archive:
            said += ["--from", str(self._archive.folder)]
        return [*said, "--rate", str(rate)] if rate else said

    def progress(self, generation: Generation) -> tuple[int, int]:
        """Offsets of the source that are done, and of how many. Raises BrokenError."""
        group, size = generation.replay, self._window.size
        with transaction(self._at.engine) as connection:
            known = generations.load(connection, generation.run_id, generation.number)
            if known and known.completed_at:  # by another host: its group is gone
                return size, size
            positions = replays.positions(connection, group)
        if not self._archive:
            positions = self._offsets.committed(group, SCAN_RESULTS)
        return self._window.done(positions), size

    def complete(self, generation: Generation) -> Generation:
        ends = self._offsets.ends(GRADE_REQUESTS)
        with transaction(self._at.engine) as connection:
            completed = generations.complete(connection, generation, ends, now())
            if self._run.counts is not None:
                pruning.restore(connection, self._run.id)
            outcomes.forget_recovered(connection, self._run.id)
        if not self._archive:
            replay.forget(self._broker, generation.replay)
        return completed

    def graded(self, generation: Generation) -> list[str]:
        """Wait for the run's graders; returns the groups for which nobody works."""
        missing = await_graders(self._broker, self._run.graders, generation.window)
        with transaction(self._at.engine) as connection:
            outcomes.forget_recovered(connection, self._run.id)
        return missing
