"""Two runs of the same sites over two dates of their history, the second with newer graders.

By hand, over the weekly history in the folder `TEST_DATA`:
`python -m tests.integration.history --first 2021-06-05 --second 2022-06-04` prints what `dnstats
diff` says and checks that its sums close. What SPF records of the history include is taken from the
real records beside it, for both dates the same.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dns.rdtypes.ANY.TXT
from dns.rdataclass import IN
from dns.rdatatype import TXT

from deploy.local.down import down, remove
from deploy.local.machine import up
from deploy.local.process import LocalError
from deploy.local.setup import Home, Setup
from services.grader.core.catalogue import GRADERS
from tests.integration.pipeline import Machine
from tests.integration.release import newer_grader, release

HISTORY = "weekly-history.jsonl.gz"
BESIDE = "real-records.jsonl.gz"
STRING = 255
"""Bytes of one character-string of a TXT record."""
_NO_SPF = "does not have a SPF TXT record"
_UP = """
import json, sys
from pathlib import Path
from deploy.local.machine import up
from deploy.local.setup import Home, Setup
up(Home(Path(sys.argv[1])), Setup(**json.loads(sys.argv[2])), lambda stage: None)
"""

State = Mapping[str, Any]
"""What was seen of a domain on a date: domain, date, ns, mx ([preference, host] each), spf and
dmarc (text or null, with spf_error and dmarc_error), dmarc_location."""


def states_at(history: Iterable[State], date: str) -> list[State]:
    """The latest state of each domain that is not younger than `date`, by domain."""
    known: dict[str, State] = {}
    for state in history:
        domain = state["domain"]
        if state["date"] <= date and (
            domain not in known or known[domain]["date"] <= state["date"]
        ):
            known[domain] = state
    return [known[domain] for domain in sorted(known)]


def write_records(states: Iterable[State], beside: Iterable[str], file: Path) -> Path:
    """A file of records, as docs/worlds.md says, with more lines of one `beside`. What was not
    observed is left out; an empty list of MX or NS may be a time-out, for the history does not
    tell."""
    lines = [json.dumps(_line(rank, state)) for rank, state in enumerate(states, 1)]
    lines += beside
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


@contextmanager
def two_runs(
    folder: Path,
    first: Sequence[State],
    second: Sequence[State],
    beside: Sequence[str] = (),
    given: Mapping[str, str] | None = None,
) -> Iterator[tuple[Machine, int, int]]:
    """The first run with our graders, the second with newer ones; the machine's commands are those
    of the newer release. `beside` are lines of records that both worlds have too, `given` settings
    that win, without their prefix. Removes all that was started."""
    home = Home(folder / ".dnstats")
    edits = [edit for name in GRADERS for edit in newer_grader(name)]
    tree = release(folder / "newer", edits)
    before, after = (
        Setup(
            records=str(write_records(states, beside, folder / f"{name}.jsonl")), given=given or {}
        )
        for name, states in (("first", first), ("second", second))
    )
    try:
        up(home, before, lambda stage: None)
        old = _run(Machine(home), len(first))
        command = [sys.executable, "-c", _UP, str(home.folder), json.dumps(asdict(after))]
        subprocess.run(command, cwd=tree, check=True, timeout=300)
        newer = Machine(home, tree)
        yield newer, old, _run(newer, len(second))
    finally:
        down(home)
        remove(home)


def _run(to: Machine, sites: int) -> int:
    """A run of the first sites of the world as it is."""
    to.import_list(sites)
    return to.start_run("--wait")


def _line(rank: int, state: State) -> dict[str, Any]:
    domain = state["domain"]
    records: list[dict[str, Any]] = []
    observed: dict[str, Any] = {}

    def publish(name: str, rdtype: str, rdata: list[str], approx: str = "") -> None:
        if rdata:
            records.append({"name": name, "type": rdtype, "rdata": rdata, "approx": approx})

    publish(domain, "NS", [f"{host}." for host in state["ns"]])
    publish(domain, "MX", [f"{preference} {host}." for preference, host in state["mx"]])
    if state["spf"] is not None:
        publish(domain, "TXT", [_quoted(state["spf"])], "spf-only")
    elif str(state["spf_error"]).endswith(_NO_SPF):
        observed["nodata"] = ["TXT"]
    if state["dmarc"] is None:
        observed |= {"dmarc": False, "dmarc_error": state["dmarc_error"]}
    elif state["dmarc_location"] == domain:
        publish(f"_dmarc.{domain}", "TXT", [_quoted(state["dmarc"])])
    return {"domain": domain, "rank": rank, "records": records, "observed": {HISTORY: observed}}


def others(file: Path, known: Iterable[State]) -> Iterator[str]:
    """Lines with SPF records of domains that are not known, without their rank."""
    domains = {state["domain"] for state in known}
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            if "v=spf1" in line and (said := json.loads(line))["domain"] not in domains:
                yield json.dumps(said | {"rank": None})


def _quoted(text: str) -> str:
    data = text.encode()
    parts = [data[start : start + STRING] for start in range(0, len(data), STRING)] or [b""]
    return dns.rdtypes.ANY.TXT.TXT(IN, TXT, parts).to_text()


def main() -> None:
    parser = argparse.ArgumentParser(prog="history", description=__doc__)
    parser.add_argument("--first", default="2021-06-05")
    parser.add_argument("--second", default="2022-06-04")
    parser.add_argument("--sites", type=int, help="so many only")
    options = parser.parse_args()
    data = Path(os.environ["TEST_DATA"])
    with gzip.open(data / HISTORY, "rt", encoding="utf-8") as lines:
        history = [json.loads(line) for line in lines]
    first, second = (
        states_at(history, date)[: options.sites] for date in (options.first, options.second)
    )
    beside = list(others(data / BESIDE, history))
    with (
        tempfile.TemporaryDirectory(prefix="dnstats-history-") as folder,
        two_runs(Path(folder), first, second, beside) as (to, old, new),
    ):
        began = time.monotonic()
        print(to.dnstats("diff", str(old), str(new)))
        print(f"took {time.monotonic() - began:.1f} s, the shadow regrade included")
        said = json.loads(to.dnstats("diff", str(old), str(new), "--json"))
    opened = [name for name, found in said["graders"].items() if not found["points"]["closes"]]
    print(f"{len(said['changes']):,} changes; sums close: {not opened}")
    sys.exit(bool(opened))


if __name__ == "__main__":
    try:
        main()
    except LocalError as error:
        sys.exit(str(error))
