"""Every line is one JSON object with what is bound."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from services.common.telemetry import logs


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_has_its_event_its_fields_and_what_is_bound(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.setup("scanner")
    with logs.bound(run=7, site=42, topic="scan-requests", partition=3, offset=99):
        logs.logger().info("lookup timed out", server="192.0.2.1")
    logs.logger().info("after")
    first, second = lines(capsys)
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "event": "lookup timed out",
        "level": "info",
        "service": "scanner",
        "server": "192.0.2.1",
        "run": 7,
        "site": 42,
        "topic": "scan-requests",
        "partition": 3,
        "offset": 99,
    }
    assert "run" not in second


def test_other_libraries_speak_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("processor")
    logging.getLogger("alembic").warning("revision %s", "a1")
    [line] = lines(capsys)
    assert (line["event"], line["service"], line["level"]) == (
        "revision a1",
        "processor",
        "warning",
    )


def test_the_level_holds_back_what_is_below(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("grader", "WARNING")
    logs.logger().info("not this")
    logs.logger().warning("this")
    assert [line["event"] for line in lines(capsys)] == ["this"]


def test_an_exception_is_one_line_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("grader")
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError:
        logs.logger().exception("failed")
    [line] = lines(capsys)
    assert "by nothing" in line["exception"]


def test_text_of_any_kind_can_be_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("grader")
    logs.logger().info("odd", text="\0\n\u2028", raw=b"\xff", number={1, 2})
    [line] = lines(capsys)
    assert line["text"] == "\0\n\u2028"


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        logs.setup("grader", "LOUD")
