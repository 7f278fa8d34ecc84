"""`dnstats runs`: plan, start and cancel runs, look at them, and recount them."""

import json
import sys
from typing import Annotated, Any

import typer

from services.cli import run_report
from services.cli.access import Access, access, now
from services.cli.archive import archive
from services.cli.fail import fail
from services.cli.prune import prune
from services.cli.run_progress import watch
from services.scheduler.adapters import books
from services.scheduler.core import mails
from services.scheduler.core.accounts import differences
from services.scheduler.core.estimate import in_words
from services.scheduler.core.letters import event
from services.scheduler.core.order import Order, order
from services.scheduler.core.run_states import State
from services.scheduler.handler.ports import Change

app = typer.Typer(no_args_is_help=True, help="Plan, start, look at, archive and prune runs")

Top = Annotated[int | None, typer.Option(help="So many sites, best rank first; default: all")]
Size = Annotated[int | None, typer.Option(help="Sites of a batch; default: by the number of sites")]
Graders = Annotated[str | None, typer.Option(help="To wait for [DNSTATS_GRADERS]")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs")]
Number = Annotated[int | None, typer.Argument(metavar="[RUN]", help="Default: the newest")]


@app.command()
def plan(top: Top = None, as_json: AsJson = False) -> None:
    """Say what a run would cost the DNS; starts nothing."""
    with access() as at:
        wanted = _order(at, top, None, None)
        sites = at.plans.count_sites(wanted.top)
        listed, cost = at.plans.last_list(), at.plans.estimate(sites)
    if as_json:
        _print_json(run_report.plan(wanted.top, sites, listed, cost))
    else:
        print(f"list {listed or 'none'}: {sites:,} sites\n{in_words(cost)}")


@app.command()
def start(
    top: Top = None,
    batch_size: Size = None,
    graders: Graders = None,
    wait: Annotated[bool, typer.Option(help="Show progress until the run is closed")] = False,
    as_json: AsJson = False,
) -> None:
    """Plan a run; the scheduler publishes and follows it. With --wait: 1 unless it is graded."""
    with access() as at:
        wanted = _order(at, top, batch_size, graders)
        if not at.plans.count_sites(1):
            fail("there are no sites: dnstats sites import FILE|URL", 1)
        run = at.run(at.plans.plan(wanted, None, now()))
        if wait:
            run = watch(at, run.id)
    if as_json:
        _print_json(run_report.summary(run))
    else:
        print(f"run {run.id} is {run.state}" + (f": {run.note}" if run.note else ""))
    sys.exit(1 if wait and run.state is not State.GRADED else 0)


@app.command()
def cancel(number: Number = None, as_json: AsJson = False) -> None:
    """Close the open run: what is not scanned yet will not be."""
    with access() as at:
        run = at.runs.find_open() if number is None else at.run(number)
        if run is None or run.closed:
            fail("no run is open" if run is None else f"run {run.id} is {run.state} already", 1)
        at_once = run.in_order(now())
        change = Change(State.CANCELLED, {"finished_at": at_once}, note="cancelled by hand")
        cancelled = at.runs.change(
            run, change, lambda it: [mails.cancelled(it), event(it, "cancelled", at_once, {})]
        )
        if cancelled is None:
            fail(f"run {run.id} has just moved on: try again", 1)
    if as_json:
        _print_json(run_report.summary(cancelled))
    else:
        print(f"run {cancelled.id} is cancelled")


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="So many of the newest")] = 20,
    as_json: AsJson = False,
) -> None:
    """The newest runs."""
    with access() as at:
        runs = at.runs.newest(limit)
    if as_json:
        _print_json([run_report.summary(run) for run in runs])
        return
    print("  run  state       planned               sites  took")
    for run in runs:
        print(run_report.summary_line(run))


@app.command()
def show(number: Number = None, as_json: AsJson = False) -> None:
    """Counts, time of each stage, failures, grades and the most frequent remarks of a run."""
    with access() as at:
        run = at.run(number)
        said = run_report.report(at.engine, run, at.plans.list_of(run))
    if as_json:
        _print_json(said)
    else:
        print(run_report.text(said))


@app.command()
def verify(number: Number = None, as_json: AsJson = False) -> None:
    """Recount a run from rows and offsets: expected = stored + failed, with every grader too.
    Exits with 1 and names the differences where that does not hold."""
    with access() as at:
        run = at.run(number)
        counted = books.count(at.engine, at.topics, run)
    found = differences(run, counted)
    said = run_report.books(run, counted, found)
    if as_json:
        _print_json(said)
    else:
        print(run_report.books_text(said))
    sys.exit(1 if found else 0)


@app.command("watch")
def watch_(number: Number = None) -> None:
    """Show the progress of a run until it is closed; 1 unless it is graded."""
    with access() as at:
        run = watch(at, at.run(number).id)
    sys.exit(0 if run.state is State.GRADED else 1)


app.command()(archive)
app.command()(prune)


def _order(at: Access, top: int | None, batch_size: int | None, graders: str | None) -> Order:
    settings = at.settings
    names = settings.grader_names
    if graders is not None:
        names = tuple(name.strip() for name in graders.split(",") if name.strip())
    limit = settings.development_top if settings.development else None
    return order(top, batch_size, names, limit)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))
