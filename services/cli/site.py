"""`dnstats site`: what the store knows of one site, in the form of `check`, with its history."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from services.cli.access import access
from services.cli.fail import BAD_INPUT, fail
from services.cli.report import WIDTH, show
from services.common.dns.names import BadNameError
from services.common.store import history
from services.common.store.faults import translated
from services.scheduler.core.site_name import site_name

NOT_FACTS = frozenset({"run_id", "site_id", "domain", "rank"})


def site(
    domain: Annotated[str, typer.Argument(help="A domain of the list")],
    run: Annotated[int | None, typer.Option(help="The run; without it the newest")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs")] = False,
) -> None:
    """Show the stored grades and remarks of DOMAIN, and its history over runs."""
    try:
        name = site_name(domain)
    except BadNameError as error:
        fail(str(error), BAD_INPUT)
    with access() as at, translated(), at.engine.connect() as conn:
        rows = history.runs_of(conn, name)
        wanted = [row for row in rows if run is None or row["run_id"] == run]
        if not wanted:
            where = "any run" if run is None else f"run {run}"
            fail(f"{name} was not in {where}; `dnstats runs list` shows the runs")
        report = _report(conn, name, wanted[0]) | {"history": _history(conn, rows)}
    if as_json:
        print(json.dumps(report, indent=2, default=_plain))
        return
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    _show(console, report)


def _report(conn: Connection, domain: str, row: Mapping[str, Any]) -> dict[str, Any]:
    key = (row["run_id"], row["site_id"])
    stored = history.site_run(conn, *key)
    by_grader: dict[str, list[dict[str, Any]]] = {}
    for remark in history.remarks_of(conn, *key):
        by_grader.setdefault(remark["grader"], []).append(_remark(remark))
    grades = {
        grade["grader"]: _grade(grade, by_grader.get(grade["grader"], []))
        for grade in history.grades_of(conn, *key)
    }
    facts = {k: v for k, v in stored.items() if k not in NOT_FACTS} if stored else {}
    return {
        "domain": domain,
        "run": row["run_id"],
        "observed_at": _plain(row["seen_at"]) if row["seen_at"] else "",
        "failed": _failed(conn, row["site_id"]).get(row["run_id"], []),
        "facts": facts,
        "grades": grades,
    }


def _failed(conn: Connection, site_id: int) -> dict[int, list[dict[str, str]]]:
    by_run: dict[int, list[dict[str, str]]] = {}
    for row in history.failures_of(conn, site_id):
        failure = {"stage": row["stage"], "reason": row["reason"]}
        by_run.setdefault(row["run_id"], []).append(failure)
    return by_run


def _grade(row: Mapping[str, Any], remarks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    kept = (
        "points",
        "letter",
        "grader_version",
        "reference_version",
        "undetermined",
        "applicable",
        "detail",
    )
    return {name: row[name] for name in kept} | {"remarks": list(remarks)}


def _remark(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("tag", "number", "level", "args", "reference", "means", "mend")
    lookups = [
        dict(zip(("name", "type", "server", "status"), ref, strict=True)) for ref in row["lookups"]
    ]
    text = row["text"].format_map(row["args"])
    return {name: row[name] for name in kept} | {"text": text, "lookups": lookups}


def _history(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    points = history.points_by_run(conn, rows[0]["site_id"])
    failed = _failed(conn, rows[0]["site_id"])
    return [
        {
            "run": row["run_id"],
            "seen_at": _plain(row["seen_at"]) if row["seen_at"] else None,
            "rank": row["rank"],
            "failed": failed.get(row["run_id"], []),
            "grades": {
                grader: {"points": grade["points"], "letter": grade["letter"]}
                for grader, grade in sorted(points.get(row["run_id"], {}).items())
            },
        }
        for row in rows
    ]


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)


def _show(console: Console, report: Mapping[str, Any]) -> None:
    for failed in report["failed"]:
        console.print(f"failed in {failed['stage']}: {failed['reason']}", markup=False)
    show(console, report)
    table = Table(title="History", title_justify="left", box=None, pad_edge=False)
    graders = sorted({name for line in report["history"] for name in line["grades"]})
    for head in ("run", "seen", "rank", *graders):
        table.add_column(head, justify="left" if head == "seen" else "right")
    for line in report["history"]:
        cells = (_cell(line["grades"].get(name)) for name in graders)
        seen = (line["seen_at"] or "")[:19].replace("T", " ")
        table.add_row(str(line["run"]), seen, str(line["rank"]), *cells)
    console.print()
    console.print(table)


def _cell(grade: Mapping[str, Any] | None) -> str:
    if grade is None:
        return ""
    if grade["points"] is None:
        return "-"
    return f"{grade['letter']} {grade['points']}"
