"""`dnstats status`: one screen of how the newest run gets on."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.cli.access import Access, access
from services.cli.run_progress import stages
from services.cli.running import missing
from services.scheduler.core.mails import not_running
from services.scheduler.core.run import Run


@dataclass(frozen=True, slots=True)
class Stage:
    """Sites of one stage. `rate` is sites a second, `seconds_left` None where nothing moves."""

    name: str
    done: int
    waiting: int
    """Handed over by the stage before and not finished: in flight or in the topic."""
    rate: float
    seconds_left: float | None


def status(
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="To measure rates over")] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="For programs")] = False,
) -> None:
    """Show the newest run: what each stage has done, has waiting, its rate and time left."""
    with access() as to:
        run, found = _measure(to, seconds)
        absent = [] if run.closed else missing(to.engine, to.topics, run.graders)
    slowest = None if run.closed else slowest_of(found)
    if as_json:
        state = {
            "run": run.id,
            "state": run.state,
            "sites": run.sites,
            "slowest": slowest,
            "not_running": absent,
            "stages": [asdict(stage) for stage in found],
        }
        print(json.dumps(state, indent=2))
    else:
        _show(Console(highlight=False), run, found, slowest)
        if absent:
            print(not_running(absent))


def _measure(to: Access, seconds: float) -> tuple[Run, list[Stage]]:
    run, topics = to.run(None), to.topics
    before = stages(run, topics)
    if run.closed:
        return run, stages_of(run.sites, before, before, seconds)
    time.sleep(seconds)
    run = to.run(run.id)
    return run, stages_of(run.sites, before, stages(run, topics), seconds)


def stages_of(
    sites: int, before: Mapping[str, int], after: Mapping[str, int], seconds: float
) -> list[Stage]:
    """Sites done by each stage at two moments, `seconds` apart, to rates and times left. A grader
    is fed by the processor, every other stage by the one before it."""
    found = []
    handed_over = sites
    for name, done in after.items():
        rate = (done - before.get(name, done)) / seconds
        left = sites - done
        time_left = 0.0 if not left else left / rate if rate > 0 else None
        found.append(Stage(name, done, max(0, handed_over - done), rate, time_left))
        if name in ("published", "scanned", "processed"):
            handed_over = done
    return found


def slowest_of(found: list[Stage]) -> str | None:
    """The stage with most waiting, which is where time goes; None where nothing waits."""
    most = max(found, key=lambda stage: stage.waiting)
    return most.name if most.waiting else None


def _show(console: Console, run: Run, found: list[Stage], slowest: str | None) -> None:
    console.print(f"run {run.id}: {run.state}, {run.sites:,} sites", style="bold")
    table = Table(box=None, pad_edge=False)
    for head in ("stage", "done", "waiting", "sites/s", "left"):
        table.add_column(head, justify="left" if head == "stage" else "right")
    for stage in found:
        rate = f"{stage.rate:,.0f}" if not run.closed else ""
        left = "" if run.closed else _duration(stage.seconds_left)
        name = f"{stage.name} (slowest)" if stage.name == slowest else stage.name
        table.add_row(name, f"{stage.done:,}", f"{stage.waiting:,}", rate, left)
    console.print(table)
    if run.note:
        console.print(run.note, markup=False)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "stands still"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
