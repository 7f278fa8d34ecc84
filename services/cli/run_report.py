"""What there is to say of a run: as data, and as text in 80 columns."""

from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from services.common.store import outcomes
from services.scheduler.adapters.runs import outcome_of
from services.scheduler.adapters.transaction import transaction
from services.scheduler.core.accounts import Account, Books
from services.scheduler.core.estimate import Estimate, duration
from services.scheduler.core.ranked_list import ListInfo
from services.scheduler.core.run import Run

REMARKS = 15


def plan(top: int, sites: int, listed: ListInfo | None, cost: Estimate) -> dict[str, Any]:
    return {
        "top": top,
        "sites": sites,
        "list": str(listed) if listed else None,
        "questions": cost.questions,
        "hours": cost.hours,
        "slowest": [
            {"operator": operator.name, "questions": operator.questions, "hours": operator.hours}
            for operator in cost.slowest
        ],
    }


def summary(run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "state": run.state.value,
        "created_at": iso(run.created_at),
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
        "sites": run.sites,
        "batches": run.batches,
        "batch_size": run.batch_size,
        "graders": list(run.graders),
        "seconds": run.seconds,
        "note": run.note,
        "archived_at": iso(run.archived_at),
        "pruned_at": iso(run.pruned_at),
        "counts": dict(run.counts) if run.counts else None,
    }


def report(engine: Engine, run: Run, listed: ListInfo | None) -> dict[str, Any]:
    """Everything that `runs show` says."""
    with transaction(engine) as connection:
        outcome = outcome_of(connection, run)
        return summary(run) | {
            "list": str(listed) if listed else None,
            "stored": outcome.stored,
            "failed": [
                {"stage": stage, "reason": reason, "sites": number}
                for stage, reason, number in outcomes.failed(connection, run.id)
            ],
            "graded": [
                dict(row) | {"points": None if row["points"] is None else float(row["points"])}
                for row in outcomes.graded(connection, run.id)
            ],
            "letters": _letters(outcomes.letters(connection, run.id)),
            "versions": [dict(row) for row in outcomes.versions(connection, run.id)],
            "remarks": [dict(row) for row in outcomes.top_remarks(connection, run.id, REMARKS)],
        }


def books(run: Run, counted: Books, differences: list[str]) -> dict[str, Any]:
    """The result of `runs verify`."""
    return {
        "run": run.id,
        "state": run.state.value,
        "pruned_at": iso(run.pruned_at),
        "right": None if run.pruned_at else not differences,
        "sites": _account(counted.sites),
        "graders": {name: _account(account) for name, account in counted.graders.items()},
        "differences": differences,
    }


def summary_line(run: Run) -> str:
    took = duration(sum(run.seconds.values())) if run.seconds else ""
    kept = "pruned" if run.pruned_at else took
    return f"{run.id:>5}  {run.state:11} {run.created_at:%Y-%m-%d %H:%M}  {run.sites:>9,}  {kept}"


def text(said: dict[str, Any]) -> str:
    """`report` for people."""
    lines = [
        f"Run {said['run']} is {said['state']}" + (f": {said['note']}" if said["note"] else ""),
        f"  list      {said['list'] or 'unknown'}",
        f"  sites     {said['sites']:,} in {said['batches']:,} batches of {said['batch_size']:,}",
    ]
    lines += _pruned(said) if said["pruned_at"] else [f"  stored    {said['stored']:,}"]
    lines += [
        f"  failed    {row['sites']:,} in {row['stage']}: {row['reason']}" for row in said["failed"]
    ]
    lines += [f"  {stage:9} {duration(took)}" for stage, took in said["seconds"].items()]
    lines += [_made_by(row) for row in said["versions"]]
    lines += _grades(said)
    if said["remarks"]:
        lines.append("  most frequent remarks")
    lines += [f"    {row['sites']:>9,}  {row['level']:11} {row['tag']}" for row in said["remarks"]]
    return "\n".join(lines)


def books_text(said: dict[str, Any]) -> str:
    """`books` for people."""
    if said["pruned_at"]:
        return f"run {said['run']} was pruned at {said['pruned_at']}: nothing is left to recount"
    lines = [_account_text("sites", said["sites"])]
    lines += [_account_text(name, account) for name, account in said["graders"].items()]
    verdict = "the books are right" if said["right"] else "the books are wrong:"
    lines.append(f"run {said['run']} ({said['state']}): {verdict}")
    return "\n".join([*lines, *(f"  {difference}" for difference in said["differences"])])


def _pruned(said: dict[str, Any]) -> list[str]:
    counts = sorted((said["counts"] or {}).items(), key=lambda item: (item[0] != "stored", item))
    return [
        f"  pruned    {said['pruned_at']}: its rows are gone. Before:",
        *(f"    {number:>9,}  {name}" for name, number in counts if name != "sites"),
    ]


def _made_by(row: dict[str, Any]) -> str:
    return (
        f"  made by   scanner {row['scanner_version']}, processor {row['processor_version']}, "
        f"reference data {row['reference_name']} {row['reference_version']} ({row['sites']:,})"
    )


def _grades(said: dict[str, Any]) -> list[str]:
    lines = []
    for row in said["graded"]:
        mean = "-" if row["points"] is None else f"{row['points']:.0f}"
        letters = said["letters"].get(row["grader"], {})
        lines.append(
            f"  {row['grader']:9} version {row['grader_version']}: {row['grades']:,} grades, "
            f"{row['withheld']:,} withheld, mean {mean}"
        )
        lines.append("            " + "  ".join(f"{name} {n:,}" for name, n in letters.items()))
    return lines


def _letters(rows: Any) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for grader, letter, number in rows:
        found.setdefault(grader, {})[letter or "none"] = number
    return found


def _account(account: Account) -> dict[str, Any]:
    return {
        "expected": account.expected,
        "stored": account.stored,
        "failed": account.failed,
        "missing": len(account.missing),
    }


def _account_text(name: str, account: dict[str, Any]) -> str:
    return (
        f"{name:6} {account['expected']:>9,} expected = "
        f"{account['stored']:>9,} stored + {account['failed']:>7,} failed"
    )


def iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
