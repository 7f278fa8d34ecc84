"""What `make run` shows at its end, in 80 columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

LETTERS = ("A+", "A", "B", "C", "D", "F")
"""Rows of a distribution: A- counts as A, and so on."""
BAR = 36
REMARKS = 12


def show(console: Console, said: Mapping[str, Any], seconds: float) -> None:
    """`said` is what `dnstats runs show --json` says."""
    note = f": {said['note']}" if said["note"] else ""
    console.print(f"\n[bold]Run {said['run']} is {said['state']}[/bold]{note}", end="")
    console.print(f" · {said['sites']:,} sites · {seconds:.0f} s in all")
    for row in said["graded"]:
        _show_grades(console, row, said["letters"].get(row["grader"], {}))
    _show_remarks(console, said["remarks"][:REMARKS])
    _show_stages(console, said)


def show_commands(console: Console, dnstats: str, run: int, domains: Sequence[str]) -> None:
    """Commands to look further; each works as it stands."""
    console.print("\n[bold]To look further[/bold] (everything stays up until `make down`)")
    for domain in domains:
        console.print(f"  {dnstats} site {domain}", markup=False)
    console.print(f"  {dnstats} check {domains[0]}", markup=False)
    for command in (f"runs show {run}", "status", "doctor"):
        console.print(f"  {dnstats} {command}", markup=False)


def _show_grades(console: Console, row: Mapping[str, Any], letters: Mapping[str, int]) -> None:
    mean = "–" if row["points"] is None else f"{row['points']:.0f}"
    title = f"{row['grader'].upper()}: {row['grades']:,} grades, mean {mean}"
    console.print(f"\n[bold]{title}[/bold]")
    counted = dict.fromkeys(LETTERS, 0)
    for letter, number in letters.items():
        row_name = letter if letter in LETTERS else letter.rstrip("+-")
        counted[row_name] = counted.get(row_name, 0) + number
    most = max(counted.values(), default=0) or 1
    for letter, number in counted.items():
        name = "no grade" if letter == "none" else letter
        console.print(f"  {name:>8} {'█' * round(BAR * number / most):{BAR}} {number:>8,}")


def _show_remarks(console: Console, remarks: Sequence[Mapping[str, Any]]) -> None:
    console.print("\n[bold]Most frequent remarks[/bold]")
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    for row in remarks:
        table.add_row(f"  {row['sites']:,}", row["level"], row["tag"])
    console.print(table)


def _show_stages(console: Console, said: Mapping[str, Any]) -> None:
    console.print("\n[bold]Time per stage[/bold]")
    for stage, seconds in said["seconds"].items():
        console.print(f"  {stage:10} {seconds:8.1f} s")
    if total := sum(said["seconds"].values()):
        console.print(f"  {'all':10} {total:8.1f} s, {said['sites'] / total:,.0f} sites a second")
