"""Let things go wrong around a running pipeline, one after the other, and tell what it made of it.

`python -m tests.integration.faults --fault broker-stopped --seconds 180`; without `--fault` all.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.integration.faults.catalogue import FAULTS
from tests.integration.faults.endure import Outcome, endure, peaceful
from tests.integration.faults.rig import rig

COLUMNS = (
    "fault",
    "seconds",
    "pending",
    "lost or wrong",
    "scanned twice",
    "requested twice",
    "seconds to go on",
    "restarts",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--fault", action="append", choices=FAULTS, help="may be given again")
    parser.add_argument("--seconds", type=float, help="how long each lasts; default: its own")
    parser.add_argument("--sites", type=int, default=150)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all is unmounted
    names = options.fault or list(FAULTS)
    table = Table(*COLUMNS)
    wrong = []
    with (
        tempfile.TemporaryDirectory(prefix="dnstats-faults-") as folder,
        rig(Path(folder), options.sites) as to,
    ):
        _, reference = peaceful(to)
        for name in names:
            fault = FAULTS[name]
            if fault.needs_disks and not to.disks:
                table.add_row(name, "not tried: nobody may mount a disk here")
                continue
            outcome = endure(to, fault, options.seconds or fault.seconds, reference)
            table.add_row(name, *_cells(outcome))
            wrong += [f"{name}: {what}" for what in outcome.wrong]
            print(name, *_cells(outcome), flush=True)
    Console(width=140).print(table)
    print("\n".join(wrong[:50]))
    sys.exit(bool(wrong))


def _cells(outcome: Outcome) -> list[str]:
    restarts = ", ".join(f"{name} {number}" for name, number in outcome.deaths.items())
    return [
        f"{outcome.seconds:.0f}",
        str(outcome.pending),
        str(len(outcome.wrong)) if outcome.wrong else "nothing",
        str(outcome.repeated_scans),
        str(outcome.repeated_requests),
        "all was stored" if outcome.to_go_on is None else f"{outcome.to_go_on:.1f}",
        restarts or "none",
    ]


if __name__ == "__main__":
    main()
