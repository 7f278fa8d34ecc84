"""`dnstats runs prune`: remove the rows of old runs from the big tables."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from services.cli.access import Access, access, now
from services.cli.fail import BAD_INPUT, fail
from services.common.store import partitions, pruning
from services.common.store.faults import translated
from services.scheduler.adapters.runs import outcome_of
from services.scheduler.adapters.transaction import transaction
from services.scheduler.core.run import Run

ALL = 1_000_000
_KEEP = re.compile(r"(\d{1,9})(d?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Keep:
    """The newest `number` runs, or those that ended within `number` days."""

    number: int
    days: bool

    def doomed(self, runs: Sequence[Run], at: datetime) -> list[Run]:
        """Those of closed runs, newest first, that are not kept and not pruned yet."""
        closed = [run for run in runs if run.closed and not run.pruned_at]
        if not self.days:
            return closed[self.number :]
        oldest = at - timedelta(days=self.number)
        return [run for run in closed if (run.finished_at or run.created_at) < oldest]


def keep_of(said: str) -> Keep:
    """Raises ValueError."""
    found = _KEEP.fullmatch(said)
    if not found:
        raise ValueError(f"--keep {said!r}: neither a number of runs (30) nor of days (90d)")
    return Keep(int(found[1]), found[2] == "d")


def prune(
    keep: Annotated[str, typer.Option(help="So many of the newest closed runs, or of days: 90d")],
    dry_run: Annotated[bool, typer.Option(help="Only say what would be removed")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    abandon: Annotated[
        bool, typer.Option(help="Also runs with an unfinished regrade or reprocess")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs")] = False,
) -> None:
    """Remove SiteRuns, grades and remarks of old closed runs. The runs stay listed with their
    counts. Interrupted, the same command goes on."""
    try:
        wanted = keep_of(keep)
    except ValueError as error:
        fail(str(error), BAD_INPUT)
    with access() as at:
        doomed = wanted.doomed(at.runs.newest(ALL), now())
        busy = {} if abandon else _busy(at, doomed)
        doomed = [run for run in doomed if run.id not in busy]
        if not as_json:
            _tell(doomed, busy)
        if doomed and not dry_run:
            if not yes:
                typer.confirm(f"remove the rows of {len(doomed)} runs?", abort=True, err=True)
            for run in doomed:
                _prune(at.engine, run)
                if not as_json:
                    print(f"run {run.id} is pruned")
    if as_json:
        print(json.dumps(_as_dict(doomed, busy, dry_run=dry_run), indent=2))


def _busy(at: Access, runs: Sequence[Run]) -> dict[int, list[str]]:
    """The unfinished replays of those that have some."""
    with transaction(at.engine) as connection:
        found = {run.id: pruning.unfinished(connection, run.id) for run in runs}
    return {number: replays for number, replays in found.items() if replays}


def _prune(engine: Engine, run: Run) -> None:
    """Marked as pruned last: interrupted anywhere, it can be repeated."""
    with transaction(engine) as connection:
        pruning.begin(connection, run.id, outcome_of(connection, run).counts)
    with translated():
        partitions.drop(engine, run.id)
    with transaction(engine) as connection:
        pruning.finish(connection, run.id, now())


def _tell(doomed: Sequence[Run], busy: dict[int, list[str]]) -> None:
    for run in doomed:
        archived = "" if run.archived_at else "; it has no archive: what is removed is lost"
        print(f"run {run.id} of {run.created_at:%Y-%m-%d}: {run.sites:,} sites{archived}")
    for number, replays in busy.items():
        print(f"run {number} stays: {', '.join(replays)} is not finished (--abandon it?)")
    if not doomed:
        print("nothing is to be pruned")


def _as_dict(doomed: Sequence[Run], busy: dict[int, list[str]], *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "pruned": [
            {"run": run.id, "sites": run.sites, "archived": run.archived_at is not None}
            for run in doomed
        ],
        "unfinished": [{"run": number, "replays": names} for number, names in busy.items()],
    }
