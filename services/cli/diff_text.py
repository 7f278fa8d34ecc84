"""Two runs compared, for people: text in 80 columns."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from rich.bar import Bar
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.grader.core.attribution import Kind, Standing

WIDTH = 80
PARTS = ("rule", "world")
SHOWN = 3
"""Sites or domains of each kind."""
REMARKS = 5
"""Remark kinds of each part."""
BAR = 24
KINDS = (Kind.UNEXPLAINED, Kind.CANCELLED, Kind.BOTH, Kind.RULE, Kind.WORLD, Kind.UNJUDGED)
STYLES = {"rule": "magenta", "world": "cyan"}

UNEXPLAINED = (
    "unexplained: equal evidence was judged otherwise by rules of the same version. A rule or "
    "reference data changed without a new version: raise it, then `dnstats regrade` both runs."
)
UNJUDGED = (
    "unjudged: the new rules failed on the old evidence, so that nothing can be attributed. They "
    "are counted here and in no sum."
)
DERIVED = (
    "The answers of the two runs were parsed by different processors ({old}; {new}): what that "
    "changed counts as world. `dnstats reprocess {run}` first to tell it apart."
)


def show(console: Console, said: Mapping[str, Any]) -> None:
    """Print what `diff_report.report` says."""
    old, new = said["old"], said["new"]
    _line(console, f"Run {old['run']} compared with run {new['run']}", style="bold")
    for run in (old, new):
        _line(
            console,
            f"  run {run['run']:<5} {run['state']}, closed {(run['finished_at'] or '')[:16]}",
        )
    for name in ("left", "entered"):
        _line(console, f"  {name:9} {_some(said[name])}")
    for grader, found in said["graders"].items():
        console.print()
        _show_grader(console, grader, found)
    for note in _notes(said):
        console.print()
        console.print(Text("\n".join(wrap(note, WIDTH))))


def _show_grader(console: Console, grader: str, found: Mapping[str, Any]) -> None:
    judged = _versions(found["rules"])
    console.print(Text.assemble((grader.upper(), "bold"), f"  {judged}"))
    kinds = {kind: found["kinds"][kind] for kind in (Kind.UNCHANGED, *reversed(KINDS))}
    counted = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
    _wrapped(console, "sites", f"{found['sites']:,} in both runs: {counted}")
    for part in PARTS:
        causes = found["causes"][part]
        if causes:
            named = ", ".join(f"{why} {number:,}" for why, number in causes.items())
            _wrapped(console, part, f"{sum(causes.values()):,} grades, by {named}")
    _show_points(console, found["points"])
    for row in found["transitions"]:
        step = f"{row['sites']:,} {row['before']} → {row['after']} ({row['part']})"
        _wrapped(console, "grade", f"{step}: {', '.join(map(_step, row['examples'][:SHOWN]))}")
    _show_remarks(console, found["remarks"])
    _show_sites(console, found["look_at"])


def _versions(rules: Mapping[str, Any]) -> str:
    """What judged, old → new where they differ."""
    said = []
    for name, column in (("version", "grader_version"), ("reference data", "reference_version")):
        before = sorted({one[column] for one in rules["old"]})
        after = rules["new"][column]
        was = "" if before == [after] else f"{', '.join(map(str, before)) or 'none'} → "
        said.append(f"{name} {was}{after}")
    return ", ".join(said)


def _show_points(console: Console, points: Mapping[str, Any]) -> None:
    if not points["sites"]:
        _wrapped(console, "points", "no site has points in both runs and by the new rules")
        return
    sums = f"{points['old']:,} {_added(points['rule'])} rule {_added(points['world'])} world"
    _wrapped(console, "points", f"{points['sites']:,} sites: {sums} = {points['new']:,}")
    means = " → ".join(f"{points['means'][name]:.2f}" for name in ("old", "judged", "new"))
    _wrapped(console, "mean", f"{means} (old, old evidence by new rules, new)")
    moved = {part: points[f"{part}_up"] - points[f"{part}_down"] for part in PARTS}
    if not any(moved.values()):
        return
    table = Table.grid(padding=(0, 1))
    for part in PARTS:
        up, down = points[f"{part}_up"], points[f"{part}_down"]
        bar = Bar(max(moved.values()), 0, moved[part], width=BAR, color=STYLES[part])
        table.add_row(f"{part:9}", bar, f"{_signed(up)} {_signed(down)}")
    console.print(Padding(table, (0, 0, 0, 2)))


def _show_remarks(console: Console, remarks: Sequence[Mapping[str, Any]]) -> None:
    for part in PARTS:
        rows = [row for row in remarks if row["part"] == part]
        for row in rows[:REMARKS]:
            counts = f"+{row['gained']:,} -{row['lost']:,}"
            _line(console, f"  remarks   {part:6}{counts:>13}  {row['tag']}")
            sites = [
                *map("+{}".format, row["gained_by"][:1]),
                *map("-{}".format, row["lost_by"][:1]),
            ]
            _line(console, f"{'':33}{'  '.join(sites)}", style="dim")
        if len(rows) > REMARKS:
            _line(console, f"{'':12}{part:6}{'':15}and {len(rows) - REMARKS} more kinds")


def _show_sites(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    for kind in KINDS:
        for row in [row for row in rows if row["kind"] == kind][:SHOWN]:
            _line(console, f"  {kind:12}{row['domain']}")
            _line(console, f"{'':14}{_steps(row)}", style="dim")


def _steps(row: Mapping[str, Any]) -> str:
    """80 → 85 → 80: rule +5 (grader), world -5 (evidence)."""
    grades = [
        _grade(row[f"{side}_standing"], row[f"{side}_points"]) for side in ("old", "judged", "new")
    ]
    parts = []
    for part in PARTS:
        if causes := row[f"{part}_causes"]:
            points = "" if row[part] is None else f" {row[part]:+}"
            parts.append(f"{part}{points} ({', '.join(causes)})")
    return " → ".join(grades) + (f": {', '.join(parts)}" if parts else "")


def _grade(standing: str | None, points: int | None) -> str:
    return str(points) if standing == Standing.POINTS else standing or "?"


def _step(example: Mapping[str, Any]) -> str:
    known = [str(example[name]) for name in ("before", "after") if example[name] is not None]
    return f"{example['domain']} ({known[0]})" if known else str(example["domain"])


def _notes(said: Mapping[str, Any]) -> Iterator[str]:
    kinds = [found["kinds"] for found in said["graders"].values()]
    if any(counted[Kind.UNEXPLAINED] for counted in kinds):
        yield UNEXPLAINED
    if any(counted[Kind.UNJUDGED] for counted in kinds):
        yield UNJUDGED
    before, after = (said[side]["processor_versions"] for side in ("old", "new"))
    if before != after:
        versions = {"old": ", ".join(map(str, before)), "new": ", ".join(map(str, after))}
        yield DERIVED.format(**versions, run=said["old"]["run"])


def _some(domains: Sequence[str]) -> str:
    listed = f": {', '.join(domains[:SHOWN])}" if domains else ""
    return f"{len(domains):,} sites{listed}" + (" …" if len(domains) > SHOWN else "")


def _signed(points: int) -> str:
    return f"{points:+,}"


def _added(points: int) -> str:
    return f"{'-' if points < 0 else '+'} {abs(points):,}"


def _wrapped(console: Console, label: str, said: str) -> None:
    lines = wrap(said, WIDTH - 12)
    for number, line in enumerate(lines):
        _line(console, f"  {label if not number else '':10}{line}")


def _line(console: Console, said: str, style: str = "") -> None:
    """Never broken in two: a domain that is too long is cut."""
    console.print(Text(said, style=style), no_wrap=True, overflow="ellipsis")
