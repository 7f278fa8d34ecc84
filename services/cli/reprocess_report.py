"""What a reprocess did: as data, and as text."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine, RowMapping

from services.common.store import outcomes, replays
from services.common.store.generations import Derivation, Generation
from services.scheduler.adapters.transaction import transaction
from services.scheduler.core.run import Run

FAILURES = 10
"""So many are shown."""


def report(
    engine: Engine, run: Run, generation: Generation, missing: Sequence[str]
) -> dict[str, Any]:
    """`missing` are the groups for which nobody works."""
    with transaction(engine) as connection:
        versions = outcomes.versions(connection, run.id)
        failed = replays.count_failures(connection, generation.replay)
        failures = replays.failures(connection, generation.replay, FAILURES)
    ours = sum(row["sites"] for row in versions if _made_by(generation.derivation, row))
    return {
        "run": run.id,
        "generation": generation.number,
        **asdict(generation.derivation),
        "window": generation.window.size,
        "site_runs": sum(row["sites"] for row in versions),
        "derived_so": ours,
        "failed": failed,
        "failures": [asdict(failure) for failure in failures],
        "graders_missing": list(missing),
    }


def text(said: dict[str, Any]) -> str:
    """`report` for people."""
    by = f"processor {said['processor_version']}, reference data "
    by += f"{said['reference_name']} {said['reference_version']}"
    newer = said["site_runs"] - said["derived_so"]
    lines = [
        f"Run {said['run']} is derived anew from {said['source']}: generation {said['generation']}",
        f"  SiteRuns  {said['site_runs']:,}, {said['derived_so']:,} of them by {by}",
        f"  failed    {said['failed']:,}",
    ]
    if newer:
        lines.insert(2, f"            {newer:,} stay as another release derived them")
    lines += [
        f"    {row['domain']} (partition {row['partition']}, offset {row['offset']}): "
        f"{row['reason']}"
        for row in said["failures"]
    ]
    if said["failed"] > len(said["failures"]):
        lines.append(f"    … and {said['failed'] - len(said['failures']):,} more")
    lines += [
        f"  nobody works as {group}: its grades follow when somebody does"
        for group in said["graders_missing"]
    ]
    return "\n".join(lines)


def _made_by(derivation: Derivation, row: RowMapping) -> bool:
    made = (row["processor_version"], row["reference_version"], row["reference_name"])
    by = derivation
    return made == (by.processor_version, by.reference_version, by.reference_name)
