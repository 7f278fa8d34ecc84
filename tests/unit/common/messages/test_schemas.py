"""Published schemas never change, and every version reads every other."""

import hashlib
import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from services.common.messages.codec import texts
from services.common.messages.topics import TOPICS
from tests.unit.common.messages.compatibility import faults

SCHEMAS = Path(__file__).parents[4] / "schemas"
PAIRS = [
    (topic, reader, writer) for topic in TOPICS for reader, writer in permutations(texts(topic), 2)
]


def test_published_schemas_are_as_they_were_published() -> None:
    """To publish a new version, add its SHA-256 to schemas/published.json."""
    published = json.loads((SCHEMAS / "published.json").read_text())
    found = {
        str(path.relative_to(SCHEMAS)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in SCHEMAS.glob("*/*.avsc")
    }
    assert found == published


@pytest.mark.parametrize("topic", TOPICS)
def test_versions_count_from_one_without_gaps(topic: str) -> None:
    assert sorted(texts(topic)) == list(range(1, len(texts(topic)) + 1))


@pytest.mark.parametrize("topic", TOPICS)
def test_every_schema_follows_the_rules_for_all(topic: str) -> None:
    for text in texts(topic).values():
        schema: Any = json.loads(text)
        assert faults(schema, schema) == []
        assert schema["type"] == "record"
        assert schema["doc"]
        assert {"name": "run_id", "type": "long"} in schema["fields"]


def test_every_version_reads_every_other() -> None:
    wrong = [
        (topic, f"v{writer} by v{reader}", fault)
        for topic, reader, writer in PAIRS
        for fault in faults(json.loads(texts(topic)[reader]), json.loads(texts(topic)[writer]))
    ]
    assert wrong == []
