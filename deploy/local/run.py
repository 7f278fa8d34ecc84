"""`make run`: the whole pipeline on this machine, from a list to grades.

Starts the machine or uses the one that runs, imports the list, makes a run, waits until it is
graded, shows what came out, and recounts it. Everything stays up until `make down`.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from sqlalchemy import select

from deploy.local import summary
from deploy.local.down import down
from deploy.local.machine import up
from deploy.local.process import LocalError
from deploy.local.setup import FOLDER, Home, Setup, code_changed, given_variables
from services.common.store.database import engine
from services.common.store.tables import run_sites
from services.scanner.adapters.endpoints import BadEndpointError, endpoints

REAL_TOP = 300
"""Sites of a run over the real DNS, unless TOP says otherwise."""
DNSTATS = ".venv/bin/dnstats"
"""As commands are shown; they are run by the interpreter at hand."""


def main() -> None:
    options = _options()
    home = Home(FOLDER)
    console = Console(highlight=False)
    try:
        sys.exit(_run(options, home, console))
    except LocalError as error:
        console.print(f"make run: {error}", style="red", markup=False, soft_wrap=True)
        console.print(f"The logs are in {FOLDER}/logs; `make down` ends what still runs.")
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("\nended by Ctrl-C: stopping everything")
        down(home)
        sys.exit(130)


def _run(options: argparse.Namespace, home: Home, console: Console) -> int:
    setup = _setup(options)
    begun = time.monotonic()
    with console.status("starting") as status:
        up(home, setup, status.update)
    console.print(f"The machine is up ({time.monotonic() - begun:.0f} s).")
    list_file = options.list or home.list_file
    _dnstats("sites", "import", str(list_file), "--force", *_list_name(options))
    limit = ["--top", str(options.top)] if options.top else []
    if options.list:
        _dnstats("runs", "plan", *limit)
    run = _start_run(limit)
    said = _json("runs", "show", str(run))
    summary.show(console, said, time.monotonic() - begun)
    console.print("\n[bold]Recount[/bold]")
    verified = _dnstats("runs", "verify", str(run), check=False)
    summary.show_commands(console, DNSTATS, run, _examples(home, setup, run))
    return 0 if said["state"] == "graded" and verified == 0 else 1


def _start_run(limit: Sequence[str]) -> int:
    """Starts a run, shows its progress until it is closed, returns its number."""
    command = [*_command("runs", "start", *limit), "--wait", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    with suppress(ValueError, KeyError, TypeError):
        return int(json.loads(done.stdout)["run"])
    raise LocalError(f"no run was made (status {done.returncode})")


def _dnstats(*arguments: str, check: bool = True) -> int:
    """Runs a command of the product before the user's eyes."""
    print(f"$ {DNSTATS} {shlex.join(arguments)}", flush=True)
    status = subprocess.run(_command(*arguments), check=False).returncode
    if check and status:
        raise LocalError(f"dnstats {' '.join(arguments)} ended with status {status}")
    return status


def _json(*arguments: str) -> Any:
    done = subprocess.run([*_command(*arguments), "--json"], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise LocalError(f"dnstats {' '.join(arguments)} ended with status {done.returncode}")
    return json.loads(done.stdout)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "services.cli", *arguments]


def _setup(options: argparse.Namespace) -> Setup:
    return Setup(
        resolver=options.resolver or "",
        records=str(options.records.absolute()) if options.records else "",
        given=given_variables(os.environ),
        code=code_changed(Path(__file__).parents[2]),
    )


def _list_name(options: argparse.Namespace) -> list[str]:
    if options.list:
        return []
    return ["--list-id", options.records.name if options.records else "bundled world"]


def _examples(home: Home, setup: Setup, run: int) -> list[str]:
    """Domains to look at: telling ones of the bundled world, else the run's best ranked."""
    if setup.in_world and not setup.records:
        return ["spf-too-many-lookups.test", "exemplary.test"]
    query = (
        select(run_sites.c.domain)
        .where(run_sites.c.run_id == run)
        .order_by(run_sites.c.rank)
        .limit(1)
    )
    with engine(home.env()["DNSTATS_DATABASE"]).connect() as connection:
        return list(connection.scalars(query))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--list", type=Path, help="LIST=: rank,domain lines, plain or zipped")
    parser.add_argument("--resolver", help="RESOLVER=: host:port that may be asked about LIST")
    parser.add_argument("--top", type=int, help="TOP=: so many sites, best rank first")
    parser.add_argument("--records", type=Path, help="RECORDS=: a file of records as the world")
    options = parser.parse_args()
    if bool(options.list) != bool(options.resolver):
        parser.error("LIST and RESOLVER belong together: the real DNS is only asked by both")
    if options.list and options.records:
        parser.error("RECORDS brings its own list: leave out LIST and RESOLVER")
    for file in (options.list, options.records):
        if file and not file.is_file():
            parser.error(f"there is no file {file}")
    if options.top is not None and options.top < 1:
        parser.error(f"TOP={options.top} is no number of sites")
    if options.resolver:
        try:
            endpoints(options.resolver)
        except BadEndpointError as error:
            parser.error(f"RESOLVER={options.resolver}: {error}")
        options.top = options.top or REAL_TOP
    return options


if __name__ == "__main__":
    main()
