"""Rounds of random `kill -9`, each compared with one undisturbed run: `make kill SEEDS="1 2 3"`.

In a round every kind of process dies at least once, broker and database too; who and when
follows from the seed. The supervisor restarts what died. Ends with 1 where a round differs or
does not end, and then keeps the logs.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.local.process import LocalError
from tests.integration.kill_plan import Plan, plan
from tests.integration.kill_round import Round, disturbed, undisturbed
from tests.integration.pipeline import Machine, machine
from tests.integration.progress import Progress

BUNDLED_SITES = 450
"""The bundled world has a few more."""
SHOWN = 50
"""Faults of a round."""


def main() -> None:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="dnstats-kill-"))
    console = Console(highlight=False, soft_wrap=True)
    done: list[Round] = []
    failed = False
    try:
        with machine(folder, -(-options.sites // BUNDLED_SITES)) as to:
            to.import_list(options.sites)
            try:
                for one in _rounds(to, options.seeds, console):
                    done.append(one)
                    failed |= bool(one.faults)
            except LocalError as error:
                console.print(f"the round does not end well: {error}", markup=False)
                failed = True
            if failed:
                shutil.copytree(to.home.folder / "logs", folder / "logs")
    finally:
        if failed:
            console.print(f"The logs are in {folder}/logs.", markup=False)
        else:
            shutil.rmtree(folder)
    console.print(_summary(done))
    sys.exit(failed)


def _rounds(to: Machine, seeds: Sequence[int], console: Console) -> Iterator[Round]:
    with closing(Progress(to.dsn, to.bootstrap)) as progress:
        reference = undisturbed(to, progress)
        console.print(f"reference: {len(reference['run_sites'])} sites, undisturbed")
        for seed in seeds:
            planned = plan(seed)
            console.print(_schedule(planned))
            one = disturbed(to, progress, planned, reference)
            console.print(_hits(one))
            console.print("\n".join(one.faults[:SHOWN]), markup=False)
            yield one


def _schedule(planned: Plan) -> Table:
    table = Table(title=f"seed {planned.seed}: batches of {planned.batch_size}")
    table.add_column("at", justify="right")
    table.add_column("kill")
    table.add_row(f"{planned.publishing:.1%} of the batches out", "scheduler")
    for kill in planned.later:
        table.add_row(f"{kill.at:.1%} of the run", kill.name)
    return table


def _hits(one: Round) -> str:
    """What was done, when, and what it cost."""
    hits = ", ".join(f"{hit.name} at {hit.at:.1%}" for hit in one.hits)
    return (
        f"run {one.run} took {one.seconds:.0f} s; killed {hits}; {one.other_deaths} other deaths; "
        f"repeated: {one.repeated}"
    )


def _summary(rounds: Sequence[Round]) -> Table:
    table = Table(title="Repeated work, and what differs from the undisturbed run")
    for name in ("seed", "kills", "seconds", "batches", "results", "requests", "differences"):
        table.add_column(name, justify="right")
    for one in rounds:
        again = one.repeated
        cells = [one.plan.seed, len(one.hits), round(one.seconds)]
        cells += [again.batches, again.results, again.requests, len(one.faults)]
        table.add_row(*map(str, cells))
    return table


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kill", description=__doc__)
    parser.add_argument("--sites", type=int, default=2000, help="of each run")
    parser.add_argument("seeds", type=int, nargs="+", help="one round for each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
