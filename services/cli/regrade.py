"""`dnstats regrade`: judge a past run again, for good or as a shadow."""

import json
from typing import Annotated

import typer

from services.cli import regrade_report
from services.cli.access import Access, access
from services.cli.fail import BAD_INPUT, fail
from services.cli.regrading import BadRegradeError, graders_of
from services.cli.regrading import regrade as judge_again
from services.common.store.generations import NoWindowError
from services.common.store.regrades import Regrade
from services.common.stream.replay import ExpiredError
from services.scheduler.adapters.transaction import transaction

RATE = 1000.0


def regrade(
    run: Annotated[int, typer.Argument(help="A closed run")],
    grader: Annotated[
        list[str] | None, typer.Option(help="Name, or several with commas; default: the run's")
    ] = None,
    shadow: Annotated[bool, typer.Option(help="Only say what would change")] = False,
    force: Annotated[bool, typer.Option(help="Let older versions replace newer ones")] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes")] = 1,
    rate: Annotated[
        float, typer.Option(min=0, help="Sites a second for all workers; 0: no cap")
    ] = RATE,
    as_json: Annotated[bool, typer.Option("--json", help="For programs")] = False,
) -> None:
    """Judge the stored observations of a run again: no DNS is asked. Says what changed and why.

    Stopped or killed, the same command goes on; on several hosts it shares the work.
    """
    with access() as at:
        try:
            wanted = at.run(run)
            done = judge_again(
                at,
                wanted,
                graders_of(grader or (), wanted),
                shadow=shadow,
                force=force,
                workers=workers,
                rate=rate,
            )
        except (BadRegradeError, NoWindowError) as error:
            fail(str(error), BAD_INPUT)
        except ExpiredError as error:
            fail(str(error).replace("RUN", str(run)))
        show(at, done, as_json=as_json)


def show(at: Access, regrade: Regrade, *, as_json: bool) -> None:
    """Print what a regrade changed."""
    with transaction(at.engine) as connection:
        said = regrade_report.report(connection, regrade)
    print(json.dumps(said, indent=2) if as_json else regrade_report.text(said))
