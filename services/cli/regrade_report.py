"""What a regrade changed: as data, and as text in 80 columns."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from services.common.store import regrade_counts, replays
from services.common.store.regrades import Regrade
from services.scheduler.core.estimate import duration

EXAMPLES = 3
"""Sites to look at of each remark kind."""
FAILURES = 10
KINDS = 20
"""Remark kinds in the text; the data has all."""
WIDTH = 80

Data = dict[str, Any]


def summary(regrade: Regrade) -> Data:
    plan, ended = regrade.plan, regrade.finished_at
    return {
        "regrade": regrade.id,
        "run": plan.run_id,
        "generation": plan.generation,
        "graders": dict(sorted(plan.versions.items())),
        "reference_version": plan.reference_version,
        "shadow": plan.shadow,
        "force": plan.force,
        "created_at": regrade.created_at.isoformat(),
        "finished_at": ended.isoformat() if ended else None,
        "seconds": (ended - regrade.created_at).total_seconds() if ended else None,
    }


def summary_line(regrade: Regrade) -> str:
    plan = regrade.plan
    graders = ", ".join(f"{name} {version}" for name, version in plan.versions.items())
    how = " ".join(word for word in ("shadow", "force") if getattr(plan, word)) or "stored"
    state = how if regrade.finished_at else f"{how}, not finished"
    at = regrade.created_at
    return f"{regrade.id:>7}  {plan.run_id:>5}  {at:%Y-%m-%d %H:%M}  {state:22} {graders}"


def report(connection: Connection, regrade: Regrade) -> Data:
    """Everything that a regrade has to say."""
    plan = regrade.plan
    names = list(plan.versions)
    totals = regrade_counts.totals(connection, regrade.id, plan.run_id, names)
    return summary(regrade) | {
        "changes": [_total(row) for row in totals],
        "causes": [dict(row) for row in regrade_counts.causes(connection, regrade.id)],
        "remarks": [
            dict(row) for row in regrade_counts.kinds(connection, regrade.id, plan.run_id, EXAMPLES)
        ],
        "failed": replays.count_failures(connection, regrade.replay),
        "failures": [
            {"grader": failure.stage, "domain": failure.domain, "reason": failure.reason}
            for failure in replays.failures(connection, regrade.replay, FAILURES)
        ],
    }


def _total(row: Mapping[Any, Any]) -> Data:
    means = ("mean_before", "mean_after")
    return dict(row) | {name: None if row[name] is None else float(row[name]) for name in means}


def text(said: Data) -> str:
    """`report` for people."""
    return "\n".join(
        [
            _head(said),
            *_totals(said),
            *_causes(said),
            *_kinds(said),
            *_failures(said),
            "",
            *_next(said),
        ]
    )


def _head(said: Data) -> str:
    what = "Shadow regrade" if said["shadow"] else "Regrade"
    took = f", took {duration(said['seconds'])}" if said["finished_at"] else ", not finished"
    of = f" (generation {said['generation']})" if said["generation"] else ""
    return f"{what} {said['regrade']} of run {said['run']}{of}{took}"


def _totals(said: Data) -> list[str]:
    lines = ["", "grader  version    grades   changed        up      down   mean points"]
    for row in said["changes"]:
        means = f"{_points(row['mean_before'])} -> {_points(row['mean_after'])}"
        version = said["graders"][row["grader"]]
        lines.append(
            f"{row['grader']:7} {version:>7} {row['grades']:>9,} {row['changed']:>9,} "
            f"{row['up']:>9,} {row['down']:>9,}   {means}"
        )
        others = (
            ("graded for the first time", row["added"]),
            ("newly withheld", row["withheld"]),
            ("no longer withheld", row["determined"]),
            ("other remarks only", row["remarks_only"]),
        )
        told = [f"{words} {number:,}" for words, number in others if number]
        if told:
            lines.append(f"        {', '.join(told)}")
    return lines


def _causes(said: Data) -> list[str]:
    if not said["causes"]:
        return []
    lines = ["", "why"]
    for row in said["causes"]:
        why = " + ".join(row["causes"]) or f"NONE: was the version of {row['grader']} not raised?"
        lines.append(f"{row['grader']:7} {row['grades']:>17,}  {why}")
    return lines


def _kinds(said: Data) -> list[str]:
    if not said["remarks"]:
        return []
    shown = said["remarks"][:KINDS]
    lines = ["", f"{'remarks':46} {'sites':>9} {'points up':>10} {'down':>9}"]
    for row in shown:
        lines.append(
            f"{row['way']:8} {row['tag']:37} {row['sites']:>9,} {row['up']:>10,} {row['down']:>9,}"
        )
        lines.append(_cut("         such as " + ", ".join(map(_example, row["examples"]))))
    hidden = len(said["remarks"]) - len(shown)
    return [*lines, f"and {hidden:,} more: --json has all"] if hidden else lines


def _example(site: Data) -> str:
    if site["before"] == site["after"]:
        return str(site["domain"])
    return f"{site['domain']} {_points(site['before'])} -> {_points(site['after'])}"


def _failures(said: Data) -> list[str]:
    if not said["failed"]:
        return []
    lines = ["", f"{said['failed']:,} could not be judged; their grades stay as they were"]
    lines += [
        _cut(f"  {row['grader']}: {row['domain'] or 'unreadable'}: {row['reason']}")
        for row in said["failures"]
    ]
    hidden = said["failed"] - len(said["failures"])
    return [*lines, f"  and {hidden:,} more"] if hidden else lines


def _next(said: Data) -> Iterable[str]:
    if said["finished_at"] is None:
        yield "Not all is judged yet: run the same `dnstats regrade` again to go on."
        return
    if not any(row["changed"] for row in said["changes"]):
        yield "Nothing changed." if not said["shadow"] else "Nothing would change."
        return
    domain = next((row["examples"][0]["domain"] for row in said["remarks"]), "DOMAIN")
    yield f"Look at one: dnstats site {domain} --run {said['run']}"
    if said["shadow"]:
        graders = ",".join(said["graders"])
        force = " --force" if said["force"] else ""
        yield "No grade was touched. To do it for good:"
        yield f"  dnstats regrade {said['run']} --grader {graders}{force}"


def _points(points: float | None) -> str:
    if points is None:
        return "none"
    return f"{points}" if isinstance(points, int) else f"{points:.1f}"


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
