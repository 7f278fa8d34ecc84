"""A golden case: what was observed of one site, and the exact grade that follows.

{"situation": one sentence,
 "domain": default "example.com", "reference": default "public", "observed_at": microseconds,
 "observed": [{"name", "type", "rdata": [...], "status", and any other field of Observation}],
 "expected": {"points", "letter", "undetermined" and "applicable" where not usual,
              "remarks": [{"tag", "args"}], "detail": {the keys that matter}}}

Without `status` an entry with `rdata` is ANSWERED and one without is NODATA. The grader sees what
the closure of its family asks for, exactly as in a run: what the case does not list is NOT_ASKED.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from services.common.dns.lookup import Observation, Question
from services.common.dns.status import Status
from services.common.reference.load import load as load_reference
from services.grader.core.catalogue import GRADERS
from services.grader.core.scoring import letter
from services.grader.core.verdict import Graded, Section

FOLDER = Path(__file__).parent
OBSERVED_AT = 1_790_000_000_000_000
MAX_ROUNDS = 100


@dataclass(frozen=True)
class Case:
    path: Path
    content: dict[str, Any]

    @property
    def grader(self) -> str:
        return self.path.parent.name

    @property
    def expected(self) -> dict[str, Any]:
        expected: dict[str, Any] = self.content["expected"]
        return expected

    @property
    def listed(self) -> dict[Question, Observation]:
        observed = [_observation(entry) for entry in self.content["observed"]]
        return {seen.question: seen for seen in observed}

    @property
    def section(self) -> Section:
        """What the closure asks for, round by round, answered by what the case lists."""
        domain = self.content.get("domain", "example.com")
        observed_at = self.content.get("observed_at", OBSERVED_AT)
        return Section(domain, observed_at, closed(self.grader, domain, self.listed))

    def grade(self) -> Graded:
        reference = load_reference(self.content.get("reference", "public"))
        return GRADERS[self.grader].grade(self.section, reference)


def all_cases() -> list[Case]:
    return [read(path) for path in sorted(FOLDER.glob("*/*.json"))]


def read(path: Path) -> Case:
    return Case(path, json.loads(path.read_text("utf-8")))


def closed(
    grader: str, domain: str, listed: Mapping[Question, Observation]
) -> dict[Question, Observation]:
    """Asks as the scanner does until the closure wants nothing new."""
    wanted: Callable[[str, Mapping[Question, Observation]], list[Question]]
    wanted = import_module(f"services.common.questions.{grader}").wanted
    known: dict[Question, Observation] = {}
    for _ in range(MAX_ROUNDS):
        asked = wanted(domain, known)
        if all(question in known for question in asked):
            return {question: known[question] for question in asked}
        known |= {q: listed.get(q) or _not_asked(q) for q in asked}
    raise AssertionError(f"the closure of {domain} has no end")


def shown(graded: Graded, detail: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict in the form of `expected`, with those keys of its detail that `detail` has."""
    points = graded.points
    verdict = {
        "points": points,
        "letter": None if points is None else letter(points),
        "remarks": sorted(
            ({"tag": remark.kind.tag, "args": remark.args} for remark in graded.remarks),
            key=in_order,
        ),
        "detail": {key: graded.detail.get(key) for key in detail},
    }
    if graded.undetermined:
        verdict["undetermined"] = True
    if not graded.applicable:
        verdict["applicable"] = False
    return verdict


def in_order(remark: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """Sorts remarks in the form of `expected`: a grade has a set of them."""
    return remark["tag"], sorted(remark["args"].items())


def _observation(entry: Mapping[str, Any]) -> Observation:
    rdata = tuple(sorted(set(entry.get("rdata", ()))))
    usual = Status.ANSWERED if rdata else Status.NODATA
    rest = {k: v for k, v in entry.items() if k not in ("name", "type", "rdata", "status")}
    if "aliases" in rest:
        rest["aliases"] = tuple(rest["aliases"])
    status = Status(entry.get("status", usual))
    return Observation(entry["name"], entry["type"], status, rdata, **rest)


def _not_asked(question: Question) -> Observation:
    return Observation(*question, Status.NOT_ASKED, reason="not listed in the case")
