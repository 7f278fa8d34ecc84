"""The golden examples of every topic: shared input for producers and consumers."""

import io
import json
from pathlib import Path
from typing import Any

import fastavro

from services.common.messages.codec import Codec, schema

SCHEMAS = Path(__file__).parents[1] / "schemas"


def paths(topic: str) -> list[Path]:
    return sorted((SCHEMAS / topic / "examples").glob("v*.json"))


def record(path: Path) -> dict[str, Any]:
    """An example, decoded: Avro's JSON encoding, in which a byte is one character."""
    version = int(path.name.removeprefix("v").partition("-")[0])
    text = io.StringIO(json.dumps(json.loads(path.read_text("utf-8"))))
    [found] = fastavro.json_reader(text, schema(path.parents[1].name, version))
    assert isinstance(found, dict)
    return found


def payload(path: Path) -> bytes:
    """An example as a producer of today writes it."""
    return Codec(path.parents[1].name).encode(record(path))
