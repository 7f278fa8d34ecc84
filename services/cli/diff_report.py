"""What there is to say of two runs compared, as data."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from services.cli.diff_plan import Comparison
from services.common.store import diff_counts, diffs
from services.common.store.diffs import Rules
from services.grader.core.attribution import Kind
from services.scheduler.core.run import Run

LOOK_AT = 5
"""Sites of each grader and kind to look at."""

Rows = Sequence[Mapping[str, Any]]


def report(
    connection: Connection, old: Run, new: Run, comparisons: Sequence[Comparison]
) -> dict[str, Any]:
    """Compare, and say everything but the single changes (`diff_counts.changes` has those)."""
    for one in comparisons:
        diffs.compare(connection, old.id, new.id, one.grader, one.shadow)
    counts = {
        "kinds": diff_counts.kinds(connection),
        "causes": diff_counts.causes(connection),
        "points": diff_counts.points(connection),
        "transitions": diff_counts.transitions(connection),
        "look_at": diff_counts.largest(connection, LOOK_AT),
    }
    return {
        "old": _run(connection, old),
        "new": _run(connection, new),
        "left": list(diff_counts.only_in(connection, old.id, new.id)),
        "entered": list(diff_counts.only_in(connection, new.id, old.id)),
        "graders": {
            one.grader: {
                "rules": {
                    "old": [_rules(rules, grades) for rules, grades in one.old.items()],
                    "new": _rules(one.new),
                },
                "shadow": one.shadow,
                **_counted({name: _of(one.grader, rows) for name, rows in counts.items()}),
                "remarks": _remarks(connection, old.id, new.id, one),
            }
            for one in comparisons
        },
    }


def json_text(said: Mapping[str, Any], changes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The report with its changes as one JSON document, piece by piece: there may be millions."""
    yield json.dumps(said, indent=2).removesuffix("\n}")
    yield ',\n  "changes": ['
    for number, change in enumerate(changes):
        yield (",\n    " if number else "\n    ") + json.dumps(dict(change))
    yield "\n  ]\n}\n"


def _run(connection: Connection, run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "state": run.state.value,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "processor_versions": diffs.processors_of(connection, run.id),
    }


def _rules(rules: Rules, grades: int | None = None) -> dict[str, Any]:
    known = {
        "grader_version": rules.grader_version,
        "reference_version": rules.reference_version,
        "reference_name": rules.reference_name,
    }
    return known if grades is None else known | {"grades": grades}


def _of(grader: str, rows: Iterable[Mapping[Any, Any]]) -> Rows:
    return [
        {name: value for name, value in row.items() if name != "grader"}
        for row in rows
        if row["grader"] == grader
    ]


def _counted(rows: Mapping[str, Rows]) -> dict[str, Any]:
    kinds = {row["kind"]: row["sites"] for row in rows["kinds"]}
    return {
        "sites": sum(kinds.values()),
        "kinds": {str(kind): kinds.get(kind, 0) for kind in Kind},
        "causes": {
            part: {
                "+".join(row["causes"]): row["sites"]
                for row in rows["causes"]
                if row["part"] == part
            }
            for part in ("rule", "world")
        },
        "points": _points(rows["points"]),
        "transitions": rows["transitions"],
        "look_at": rows["look_at"],
    }


def _points(rows: Rows) -> dict[str, Any]:
    """Sums over the sites that have points all three times: old + rule + world = new. Means are
    None where there are no such sites."""
    sums = rows[0] if rows else {}
    found = {name: int(sums.get(name) or 0) for name in diff_counts.SUMS}
    sites = found["sites"]
    means = {name: found[name] / sites if sites else None for name in ("old", "judged", "new")}
    closes = found["old"] + found["rule"] + found["world"] == found["new"]
    return found | {"means": means, "closes": closes}


def _remarks(connection: Connection, old: int, new: int, one: Comparison) -> Rows:
    rows = diff_counts.remarks(connection, old, new, one.grader, one.shadow)
    return [
        dict(row) | {"gained_by": row["gained_by"] or [], "lost_by": row["lost_by"] or []}
        for row in rows
    ]
