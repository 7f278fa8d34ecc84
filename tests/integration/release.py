"""Another release: a copy of the product with edits, run beside ours against the same machine.

`release(folder, edits)` makes the tree, `Machine.with_code(tree)` runs its commands and services.
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from services.common.store.database import head
from services.grader.core.catalogue import GRADERS
from services.processor.core.version import VERSION as PROCESSOR
from tests.integration.pipeline import ROOT

PARTS = ("services", "schemas", "deploy")
NEXT_DISTRIBUTION = "99.1"
"""What scans of `NEWER_SCANNER` say that they were made by."""
NEXT_REVISION = "9901"
"""The schema of `NEWER_SCHEMA`."""
NEW_COLUMN = "made_by_next_release"
_SCORING = "services/grader/core/scoring.py"
_GRADERS = "services/grader/core/graders"


class BadEditError(Exception):
    """An edit does not fit the code; the text says which one and why."""


@dataclass(frozen=True, slots=True)
class Edit:
    """`old` stands in `file` exactly once and becomes `new`. An empty `old` makes the file."""

    file: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        path = root / self.file
        before = path.read_text("utf-8") if self.old else ""
        if self.old and (times := before.count(self.old)) != 1:
            raise BadEditError(f"{self.file} has {self.old!r} {times} times, not once")
        if not self.old and path.exists():
            raise BadEditError(f"{self.file} is there already")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(before.replace(self.old, self.new) if self.old else self.new, "utf-8")


def release(folder: Path, edits: Iterable[Edit]) -> Path:
    """A tree of its own in `folder`, which must not exist. Raises BadEditError."""
    for part in PARTS:
        shutil.copytree(
            ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", ".dnstats")
        )
    for edit in edits:
        edit.apply(folder)
    return folder


def newer_grader(name: str) -> list[Edit]:
    """The next version of a grader, which gives other points."""
    version = GRADERS[name].version
    file = f"{_GRADERS}/{name}/grade.py"
    return [Edit(file, f"version={version},", f"version={version + 1},"), *_RULES[name]]


_RULES = {
    "spf": [Edit(_SCORING, "SPF_REMARK = 2\n", "SPF_REMARK = 3\n")],
    "dmarc": [Edit(_SCORING, "DMARC_REPORTS = 15\n", "DMARC_REPORTS = 12\n")],
    "mx": [
        Edit(_SCORING, "MX_IMPLICIT = 60\n", "MX_IMPLICIT = 50\n"),
        Edit(
            f"{_GRADERS}/mx/records.py",
            '"MX_IMPLICIT_MX",\n    number=103,\n    level=Level.WARNING,',
            '"MX_IMPLICIT_MX",\n    number=103,\n    level=Level.ERROR,',
        ),
    ],
}

NEWER_PROCESSOR = [
    Edit(
        "services/processor/core/version.py",
        f"\nVERSION = {PROCESSOR}\n",
        f"\nVERSION = {PROCESSOR + 1}\n",
    ),
    Edit(
        "services/processor/core/mail.py",
        '        return f"{node.record.all.qualifier}all"\n',
        '        return f"{node.record.all.qualifier}ALL"\n',
    ),
    Edit(
        "services/processor/core/derive.py",
        "            grader: evidence.section(wanted(result.domain, evidence.known))\n",
        "            grader: blind(evidence.section(wanted(result.domain, evidence.known)))\n",
    ),
    Edit(
        "services/processor/core/derive.py",
        "def _site_run(\n",
        "def blind(section):\n"
        "    return tuple(seen for seen in section if seen.rdtype != 'AAAA')\n\n\n"
        "def _site_run(\n",
    ),
]
"""The next version: the policy of SPF is written otherwise, and graders see no AAAA records."""

NEWER_SCANNER = [
    Edit(
        f"dnstats-{NEXT_DISTRIBUTION}.dist-info/METADATA",
        "",
        f"Metadata-Version: 2.1\nName: dnstats\nVersion: {NEXT_DISTRIBUTION}\n",
    ),
    Edit("services/common/questions/basics.py", '"_smtp._tls")', '"_smtp._tls", "_new")'),
]
"""The next version, which asks one question more."""


def newer_schema() -> list[Edit]:
    """The next schema of the database, with one column more; everything else as before."""
    table = '    Column("has_securitytxt", Boolean, doc="Not collected: it takes HTTP"),\n'
    return [
        Edit(
            f"services/common/store/migrations/versions/v{NEXT_REVISION}_next.py",
            "",
            _MIGRATION.format(revision=NEXT_REVISION, before=head(), column=NEW_COLUMN),
        ),
        Edit(
            "services/common/store/tables.py",
            table,
            f'{table}    Column("{NEW_COLUMN}", Text),\n',
        ),
        Edit(
            "services/common/store/site_runs.py",
            "NOT_COLLECTED = (",
            f'NOT_COLLECTED = ("{NEW_COLUMN}", ',
        ),
    ]


_MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = oldest = "{before}"


def upgrade() -> None:
    op.add_column("site_runs", sa.Column("{column}", sa.Text))
"""


def newer_messages() -> list[Edit]:
    """The next schemas of scan results and grade requests, each with one field more."""
    field = {"name": "since_next", "type": "string", "default": ""}
    return [
        *(_next_schema(topic, field) for topic in ("scan-results", "grade-requests")),
        Edit(
            "services/common/messages/scan_result.py",
            "    lookups: tuple[Lookup, ...]\n",
            '    lookups: tuple[Lookup, ...]\n    since_next: str = "x"\n',
        ),
        Edit(
            "services/common/messages/grade_request.py",
            "    sections: Mapping[str, tuple[Observation, ...]]\n",
            '    sections: Mapping[str, tuple[Observation, ...]]\n    since_next: str = "x"\n',
        ),
        Edit(
            "services/common/messages/grade_request.py",
            '    "reference_name",\n)',
            '    "reference_name",\n    "since_next",\n)',
        ),
    ]


def _next_schema(topic: str, field: dict[str, str]) -> Edit:
    folder = ROOT / "schemas" / topic
    version = max(int(path.stem[1:]) for path in folder.glob("v*.avsc"))
    schema = json.loads((folder / f"v{version}.avsc").read_text("utf-8"))
    schema["fields"].append(field)
    return Edit(f"schemas/{topic}/v{version + 1}.avsc", "", json.dumps(schema, indent=2) + "\n")
