"""`dnstats sites`: bring a list in."""

import json
from contextlib import ExitStack
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.access import access, now
from services.scheduler.adapters.list_source import list_file
from services.scheduler.core.ranked_list import ListInfo, Merge, RankedList
from services.scheduler.handler.lists import Importer

app = typer.Typer(no_args_is_help=True, help="The ranked list of sites")
app.callback()(lambda: None)


@app.command("import")
def import_(
    source: Annotated[str, typer.Argument(help="File or URL: rank,domain lines, plain or zipped")],
    force: Annotated[bool, typer.Option(help="Also a list much smaller than the last")] = False,
    list_id: Annotated[str | None, typer.Option(help="The publisher's name of this list")] = None,
    list_date: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Of the list")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs")] = False,
) -> None:
    """Make a list the current one. Bad lines are counted and named, never fatal."""
    today = now()
    day = list_date.date() if list_date else today.date()
    with access() as at, ExitStack() as stack:
        bar = stack.enter_context(_bar())
        task = bar.add_task("reading", total=None)

        def progress(done: int, of: int | None) -> None:
            bar.update(task, completed=done, total=of)

        file = stack.enter_context(list_file(source, progress))
        info = ListInfo(source, list_id or file.name, day, file.sha256)
        importer = Importer(at.plans, lambda: today)
        merge, read = importer.run(info, file.lines(progress), force=force)
    if as_json:
        print(json.dumps(_as_dict(info, merge, read), indent=2))
    else:
        _show(info, merge, read)


def _bar() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _show(info: ListInfo, merge: Merge, read: RankedList) -> None:
    print(f"list {merge.number}: {info}, {merge.sites:,} sites (before: {merge.before:,})")
    print(f"  new        {merge.new:>9,}")
    print(f"  re-ranked  {merge.reranked:>9,}")
    print(f"  dropped    {merge.dropped:>9,}")
    print(f"  bad lines  {read.bad.total():>9,}")
    for kind, number in read.bad.most_common():
        print(f"    {kind}: {number:,}")
    for bad in read.first_bad:
        print(f"  {bad}")
    if read.bad.total() > len(read.first_bad) > 0:
        print(f"  … and {read.bad.total() - len(read.first_bad):,} more")


def _as_dict(info: ListInfo, merge: Merge, read: RankedList) -> dict[str, Any]:
    return {
        "list": merge.number,
        "source": info.source,
        "list_id": info.list_id,
        "list_date": info.list_date.isoformat(),
        "sha256": info.sha256.hex(),
        "sites": merge.sites,
        "before": merge.before,
        "new": merge.new,
        "reranked": merge.reranked,
        "dropped": merge.dropped,
        "bad": dict(read.bad),
        "first_bad": [bad._asdict() for bad in read.first_bad],
    }
