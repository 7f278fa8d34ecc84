"""`dnstats diff`: split the change of every grade between two runs into world and rule."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import Connection, Engine

from services.cli.access import Access, access
from services.cli.diff_plan import Comparison, NotComparableError, plan
from services.cli.diff_report import json_text, report
from services.cli.diff_text import WIDTH, show
from services.cli.fail import BAD_INPUT, fail
from services.cli.regrade import RATE
from services.cli.regrading import BadRegradeError, graders_of, regrade
from services.common.store import diff_counts
from services.common.store.faults import translated
from services.common.store.generations import NoWindowError
from services.common.stream.replay import ExpiredError
from services.scheduler.adapters.transaction import transaction
from services.scheduler.core.run import Run


def diff(
    run_a: Annotated[int, typer.Argument(help="The run before")],
    run_b: Annotated[int, typer.Argument(help="The run after")],
    grader: Annotated[
        list[str] | None, typer.Option(help="Name, or several with commas; default: all")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Of a shadow regrade")] = 1,
    rate: Annotated[float, typer.Option(min=0, help="Of it, sites a second; 0: no cap")] = RATE,
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs, with every change")
    ] = False,
) -> None:
    """Say what changed from RUN_A to RUN_B, and whether the world did it or the rules.

    Where other rules judged RUN_B, a shadow regrade of RUN_A by those rules tells the two apart; a
    finished one is used again.
    """
    with access() as at:
        old, new = _closed(at, run_a), _closed(at, run_b)
        if old.id == new.id:
            fail("a run is compared with another one", BAD_INPUT)
        comparisons = _planned(at, old, new, grader or (), workers, rate)
        with _snapshot(at.engine) as connection:
            said = report(connection, old, new, comparisons)
            if as_json:
                sys.stdout.writelines(json_text(said, diff_counts.changes(connection)))
            else:
                show(Console(width=WIDTH, highlight=False), said)


def _closed(at: Access, number: int) -> Run:
    run = at.run(number)
    if not run.closed:
        fail(f"run {run.id} is still {run.state}: only closed runs are compared")
    if run.pruned_at:
        fail(f"run {run.id} was pruned: its grades are gone")
    return run


def _planned(
    at: Access, old: Run, new: Run, graders: Sequence[str], workers: int, rate: float
) -> list[Comparison]:
    """Shadow regrades are made where they are needed."""
    try:
        wanted = graders_of(graders, new) if graders else ()
        with transaction(at.engine) as connection:
            comparisons = plan(connection, old.id, new.id, wanted)
        missing = [one.grader for one in comparisons if one.needs_shadow]
        if not missing:
            return comparisons
        made = regrade(at, old, missing, shadow=True, force=False, workers=workers, rate=rate)
    except (NotComparableError, BadRegradeError, NoWindowError) as error:
        fail(str(error), BAD_INPUT)
    except ExpiredError as error:
        fail(str(error).replace("RUN", str(old.id)))
    return [replace(one, shadow=made.id) if one.needs_shadow else one for one in comparisons]


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """A transaction in which no other one changes anything."""
    with translated(), engine.connect() as connection:
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection
