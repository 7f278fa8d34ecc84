"""The document of `check`, and what a person sees of it."""

import io
import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from rich.console import Console

from services.cli.check import report_of
from services.cli.report import WIDTH, show
from services.common.dns.status import DETERMINED, Status
from services.common.reference.load import load
from tests.unit.processor.scan import scan
from tests.unit.scanner.world import SITE, Records

SCHEMA = json.loads((files("schemas") / "check.schema.json").read_text("utf-8"))
WORLD = load("world")

HOSTILE: Records = {
    **SITE,
    ("site.test", "TXT"): [
        r'"v=spf1 \000[red]\255 ip4:300.1.1.1 include:<script>alert(1)</script> ?all"'
    ],
    ("site.test", "MX"): ["10 nowhere.test."],
}


def report(records: Records, failures: dict[tuple[str, str], Status] | None = None) -> Any:
    return report_of(scan("site.test", records, failures), WORLD)


def shown(document: Any) -> str:
    out = io.StringIO()
    show(Console(file=out, width=WIDTH, highlight=False), document)
    return out.getvalue()


def valid(document: Any) -> None:
    Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(document)
    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize(
    "records",
    [SITE, HOSTILE, {}, {("site.test", "SOA"): SITE["site.test", "SOA"]}],
    ids=["usual", "hostile", "no such domain", "empty zone"],
)
def test_the_document_keeps_to_its_schema(records: Records) -> None:
    valid(report(records))


@given(st.dictionaries(st.sampled_from(sorted(SITE)), st.sampled_from(list(Status))))
@settings(max_examples=30, deadline=None)
def test_whatever_fails_the_document_keeps_to_its_schema(
    failures: dict[tuple[str, str], Status],
) -> None:
    without_bytes = {
        question: status for question, status in failures.items() if status not in DETERMINED
    }
    document = report(SITE, without_bytes)
    valid(document)
    assert all(len(line) <= WIDTH for line in shown(document).splitlines())


def test_a_person_reads_the_worst_first_and_what_to_do() -> None:
    text = shown(report(HOSTILE))
    lines = text.splitlines()
    levels = [
        line.split()[0] for line in lines if line.startswith(("fatal", "error", "warn", "depr"))
    ]
    assert levels == sorted(levels, key=["fatal", "error", "warning", "deprecation"].index)
    assert levels[0] == "fatal"
    assert text.count("mend ") == len(levels)
    assert all(len(line) <= WIDTH for line in lines)


def test_bytes_of_strangers_are_shown_escaped() -> None:
    text = shown(report(HOSTILE))
    assert r"\000" in text
    assert "[red]" in text
    assert "\0" not in text
    assert "\x1b" not in text


def test_what_was_not_observed_is_said() -> None:
    document = report(SITE, {("site.test", "TXT"): Status.TIMEOUT})
    assert document["grades"]["spf"]["points"] is None
    assert document["grades"]["spf"]["undetermined"] is True
    assert "withheld" in shown(document)
