"""`make down`: end everything that `make run` started, and nothing else."""

import argparse
import shutil

from deploy.local.postgres import data_folder
from deploy.local.process import stop_recorded
from deploy.local.setup import FOLDER, Home

GRACE = 60.0
"""Seconds for the supervisor to end what it started."""


def down(home: Home) -> list[str]:
    """Names of the processes that had to be ended. The supervisor first, for it would restart the
    others; then what a killed supervisor left behind."""
    found = [record.stem for record in home.records]
    if stop_recorded([home.supervisor], GRACE):
        left = stop_recorded(home.records)
        return sorted({*found, *left})
    return stop_recorded(home.records)


def remove(home: Home) -> None:
    """All that a stopped machine keeps; the database may lie outside the folder, where the user
    that runs it can get to it."""
    shutil.rmtree(data_folder(home.folder / "postgres"), ignore_errors=True)
    shutil.rmtree(home.folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make down", description=__doc__)
    parser.add_argument("--remove", action="store_true", help="also remove all data")
    options = parser.parse_args()
    home = Home(FOLDER)
    ended = down(home)
    print(f"ended: {', '.join(ended)}" if ended else "nothing was running")
    if options.remove:
        remove(home)


if __name__ == "__main__":
    main()
