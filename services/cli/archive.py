"""`dnstats runs archive`: the scan results of a closed run as files."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.access import Access, access, now
from services.cli.bars import bars
from services.cli.fail import BAD_INPUT, fail, failing
from services.cli.run_report import iso
from services.common.messages.envelope import Incoming, run_header
from services.common.messages.topics import SCAN_RESULTS
from services.common.messages.window import Window
from services.common.store import generations, runs
from services.common.store.generations import NoWindowError
from services.common.stream import archive_writer, replay
from services.common.stream.archive import MANIFEST, Archive, ArchiveError, Manifest
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.common.stream.replay import ExpiredError
from services.common.stream.window import within
from services.scheduler.adapters.transaction import transaction
from services.scheduler.core.run import Run

SHOW_SECONDS = 0.2


def archive(
    number: Annotated[int, typer.Argument(metavar="RUN")],
    to: Annotated[
        Path | None, typer.Option(help="Folder of this archive; default: archives/run-RUN")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs")] = False,
) -> None:
    """Write the scan results of a closed run to files, from which it can be derived again when
    the topic no longer holds it. Interrupted, the same command goes on."""
    with (
        access() as at,
        failing(NoWindowError, status=BAD_INPUT),
        failing(ExpiredError, ArchiveError),
    ):
        run = at.run(number)
        if not run.closed:
            fail(f"run {run.id} is {run.state}: only a closed run can be archived", BAD_INPUT)
        folder = to or Path("archives") / f"run-{run.id}"
        with transaction(at.engine) as connection:
            window = generations.run_window(connection, run.id, SCAN_RESULTS)
        if (folder / MANIFEST).exists():
            made = opened(folder, run.id, window)
        else:
            made = _write(at, run, folder, window)
        with transaction(at.engine) as connection:
            runs.change(connection, run.id, run.state, {"archived_at": run.archived_at or now()})
    manifest = made.manifest
    said = {
        "run": run.id,
        "folder": str(folder),
        "messages": manifest.messages,
        "bytes": manifest.size,
        "files": len(manifest.containers),
    }
    if as_json:
        print(json.dumps(said, indent=2))
    else:
        print(
            f"run {run.id} is archived in {folder}: {manifest.messages:,} scan results, "
            f"{manifest.size:,} bytes in {len(manifest.containers)} files"
        )


def opened(folder: Path, run: int, window: Window) -> Archive:
    """The archive of that run, every file of it compared. Raises ArchiveError."""
    found = Archive(folder)
    if found.manifest.run != run:
        raise ArchiveError(f"{folder}: it is the archive of run {found.manifest.run}")
    if found.manifest.window != window:
        raise ArchiveError(
            f"{folder}: its window is not that of run {run}: it is of another installation, or "
            "older than the end of the run"
        )
    with _bar("verifying", found.manifest.window.size) as progress:
        done = 0
        for container in found.manifest.containers:
            found.verify(container)
            done += container.end - container.start
            progress(done)
    return found


def _write(at: Access, run: Run, folder: Path, window: Window) -> Archive:
    broker = at.broker
    replay.check(Offsets(broker), window)
    draft = Manifest(1, run.id, SCAN_RESULTS, _facts(run), ())
    with _bar("archiving", window.size) as progress:
        read = partial(_of_run, broker, window, run.id)
        return archive_writer.write(folder, draft, window, read, progress)


def _of_run(broker: Broker, window: Window, run: int, partition: int) -> Iterator[Incoming]:
    header = run_header(run)
    return (one for one in within(broker, window, partition) if header in one.headers)


def _facts(run: Run) -> dict[str, Any]:
    return {
        "state": run.state.value,
        "created_at": iso(run.created_at),
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
        "sites": run.sites,
        "graders": list(run.graders),
        "note": run.note,
    }


@contextmanager
def _bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Gives what to call with how much is done."""
    with bars() as shown_bars:
        task = shown_bars.add_task(label, total=total)
        shown = 0.0

        def progress(done: int) -> None:
            nonlocal shown
            if done >= total or time.monotonic() > shown + SHOW_SECONDS:
                shown_bars.update(task, completed=done)
                shown = time.monotonic()

        yield progress
