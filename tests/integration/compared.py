"""Two runs over the same sites and a shadow regrade of the first, laid into a database."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert

from services.common.store import diffs, grades, tables
from services.common.store.grades import GradeRow, RemarkRow
from services.grader.core.attribution import Standing, Verdict

OLD, NEW, SHADOW = 3, 4, 9
GRADED_AT = 1_700_000_000_000_000
"""When every grade was stored, in microseconds."""


@dataclass(frozen=True)
class Site:
    """One site in both runs: verdicts and the tags of their remarks, a tag for each."""

    old: Verdict
    judged: Verdict | None
    new: Verdict
    tags: tuple[Sequence[str], Sequence[str], Sequence[str]]


def lay(connection: Connection, given: Sequence[Site]) -> None:
    """Store the sites as two runs and a shadow regrade of the first, and compare."""
    domains = {number: f"s{number}.test" for number in range(1, len(given) + 1)}
    fix(connection, OLD, domains)
    fix(connection, NEW, domains)
    for number, site in enumerate(given, 1):
        before, after, later = site.tags
        put(connection, OLD, number, site.old, before)
        put(connection, NEW, number, site.new, later)
        if site.judged is None:
            _fail(connection, domains[number], number)
        elif site.judged != site.old:
            _change(connection, number, site.judged, Counter(before), Counter(after))
    diffs.compare(connection, OLD, NEW, "spf", SHADOW)


def fix(connection: Connection, run: int, domains: Mapping[int, str]) -> None:
    rows = [
        {"run_id": run, "site_id": number, "domain": domain, "rank": number, "batch": 0}
        for number, domain in domains.items()
    ]
    connection.execute(insert(tables.run_sites), rows)


def put(
    connection: Connection, run: int, site: int, given: Verdict, tags: Sequence[str] = ()
) -> None:
    if given.standing is Standing.MISSING:
        return
    row = GradeRow(
        run_id=run,
        site_id=site,
        grader="spf",
        points=given.points,
        letter=None,
        undetermined=given.standing is Standing.WITHHELD,
        applicable=given.standing is not Standing.NOT_APPLICABLE,
        grader_version=given.grader_version or 0,
        reference_version=given.reference_version or 0,
        reference_name="world",
        evidence_hash=given.evidence_hash or b"",
        scan_id="0e37df36-f698-4d73-8dd2-9d0e0a1c6e53",
        finished_at=given.finished_at or 0,
        processor_version=1,
        detail={},
        graded_at=GRADED_AT,
        remarks=tuple(RemarkRow(tag, "error", {}, []) for tag in tags),
    )
    grades.replace(connection, [row])


def _change(
    connection: Connection, site: int, judged: Verdict, before: Counter[str], after: Counter[str]
) -> None:
    values: dict[str, Any] = {
        "regrade_id": SHADOW,
        "site_id": site,
        "grader": "spf",
        "new_points": judged.points,
        "new_undetermined": judged.standing is Standing.WITHHELD,
        "new_applicable": judged.standing is not Standing.NOT_APPLICABLE,
        "new_version": judged.grader_version,
        "new_reference_version": judged.reference_version,
        "new_hash": judged.evidence_hash,
        "gained": list((after - before).elements()),
        "lost": list((before - after).elements()),
        "reworded": [],
        "causes": [],
    }
    connection.execute(insert(tables.grade_changes).values(values))


def _fail(connection: Connection, domain: str, offset: int) -> None:
    values = {
        "replay": f"regrade-{SHADOW}",
        "stage": "grader-spf",
        "partition": 0,
        "offset": offset,
        "domain": domain,
        "reason": "the grader failed",
    }
    connection.execute(insert(tables.replay_failures).values(values))
