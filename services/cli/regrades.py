"""`dnstats regrades`: what regrades there were, and what each of them changed."""

import json
from typing import Annotated

import typer

from services.cli import regrade_report
from services.cli.access import access
from services.cli.fail import BAD_INPUT, fail
from services.cli.regrade import show as show_report
from services.common.store import regrades
from services.scheduler.adapters.transaction import transaction

app = typer.Typer(no_args_is_help=True, help="List regrades and show what they changed")

AsJson = Annotated[bool, typer.Option("--json", help="For programs")]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="So many of the newest")] = 20,
    as_json: AsJson = False,
) -> None:
    """The newest regrades."""
    with access() as at, transaction(at.engine) as connection:
        found = regrades.newest(connection, limit)
    if as_json:
        print(json.dumps([regrade_report.summary(one) for one in found], indent=2))
        return
    print("regrade    run  begun             grades                 graders")
    for one in found:
        print(regrade_report.summary_line(one))


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="REGRADE")], as_json: AsJson = False
) -> None:
    """What a regrade changed, or would have."""
    with access() as at:
        with transaction(at.engine) as connection:
            found = regrades.load(connection, number)
        if found is None:
            fail(f"there is no regrade {number}; `dnstats regrades list` shows them", BAD_INPUT)
        show_report(at, found, as_json=as_json)
