"""One site's facts, grades and remarks: the JSON form, and the same for people."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.grader.core.remark import Level, Remark, shortened
from services.grader.core.scoring import letter
from services.grader.core.verdict import Graded, Grader

WIDTH = 80
GRAVITY = list(Level)
STYLES = {
    Level.FATAL: "bold red",
    Level.ERROR: "red",
    Level.WARNING: "yellow",
    Level.DEPRECATION: "magenta",
    Level.INFO: "green",
}


def timestamp(microseconds: int) -> str:
    """RFC 3339, UTC."""
    moment = datetime.fromtimestamp(microseconds / 1e6, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def grade_as_json(grader: Grader, graded: Graded, reference_version: int) -> dict[str, Any]:
    """The `grade` of schemas/check.schema.json."""
    return {
        "points": graded.points,
        "letter": None if graded.points is None else letter(graded.points),
        "grader_version": grader.version,
        "reference_version": reference_version,
        "undetermined": graded.undetermined,
        "applicable": graded.applicable,
        "remarks": [remark_as_json(remark) for remark in graded.remarks],
        "detail": dict(graded.detail),
    }


def remark_as_json(remark: Remark) -> dict[str, Any]:
    """The `remark` of schemas/check.schema.json."""
    kind = remark.kind
    return {
        "tag": kind.tag,
        "number": kind.number,
        "level": str(kind.level),
        "text": remark.text,
        "args": remark.args,
        "reference": kind.reference,
        "means": kind.means,
        "mend": kind.mend,
        "lookups": [
            {"name": ref.name, "type": ref.rdtype, "server": ref.server, "status": ref.status}
            for ref in remark.lookups
        ],
    }


def show(console: Console, report: Mapping[str, Any]) -> None:
    """Print the report in 80 columns: grades first, then remarks, worst first, with what to do."""
    console.print(Text.assemble((report["domain"], "bold"), f"  seen {report['observed_at']}"))
    console.print()
    for name, grade in sorted(report["grades"].items(), key=_worst_first):
        _show_grade(console, name, grade)
    remarks = [
        (name, remark) for name, grade in report["grades"].items() for remark in grade["remarks"]
    ]
    remarks.sort(key=lambda pair: GRAVITY.index(pair[1]["level"]))
    for name, remark in remarks:
        if remark["level"] != Level.INFO:
            _show_remark(console, name, remark)
    _show_good(console, [pair for pair in remarks if pair[1]["level"] == Level.INFO])


def _worst_first(item: tuple[str, Mapping[str, Any]]) -> tuple[float, str]:
    name, grade = item
    points = grade["points"]
    return (101 if points is None else points, name)


def _show_grade(console: Console, name: str, grade: Mapping[str, Any]) -> None:
    detail = grade["detail"]
    if grade["points"] is not None:
        verdict = f"{grade['letter']:<3}{grade['points']:>4}"
    elif grade["undetermined"]:
        low, high = detail.get("points_range", (0, 100))
        verdict = f"?  {low}-{high}"
    else:
        verdict = "-      "
    console.print(
        f"  [bold]{name.upper():<6}[/bold] {verdict:<9} {escape(_state(grade))}",
        highlight=False,
    )
    record = detail.get("record")
    if isinstance(record, str) and record:
        console.print(Padding(Text(shortened(record), style="dim"), (0, 0, 0, 19)))


def _state(grade: Mapping[str, Any]) -> str:
    if grade["undetermined"]:
        return "withheld: something that could change the grade was not observed"
    if not grade["applicable"]:
        return "does not apply to this site"
    return str(grade["detail"].get("state", ""))


def _show_remark(console: Console, name: str, remark: Mapping[str, Any]) -> None:
    level = Level(remark["level"])
    console.print()
    console.print(
        Text.assemble(
            (f"{level:<11} ", STYLES[level]), (f"{name.upper()}: {remark['text']}", "bold")
        )
    )
    seen = dict.fromkeys(
        f"{ref['name']} {ref['type']} {ref['status']}" for ref in remark["lookups"]
    )
    paragraphs = Table.grid(padding=(0, 1))
    for label, text in (
        ("means", remark["means"]),
        ("mend", remark["mend"]),
        ("seen", _some(seen)),
        ("see", f"{remark['reference']} ({remark['tag']})"),
    ):
        if text:
            paragraphs.add_row(Text(label, style="dim"), Text(text))
    console.print(Padding(paragraphs, (0, 0, 0, 12)))


def _some(lines: Iterable[str], most: int = 3) -> str:
    listed = list(lines)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def _show_good(console: Console, remarks: list[tuple[str, Mapping[str, Any]]]) -> None:
    if remarks:
        console.print()
        console.print(Text("Worth knowing", style="bold"))
    for name, remark in remarks:
        console.print(Padding(Text(f"{name.upper()}: {remark['text']}"), (0, 0, 0, 2)))
