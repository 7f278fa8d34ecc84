"""What /live, /ready and /metrics answer."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from services.common.telemetry import metrics
from services.common.telemetry.health import STALE_SECONDS, Health, Server


@pytest.fixture
def state() -> Health:
    return Health()


@pytest.fixture
def server(state: Health) -> Iterator[Server]:
    server = Server(state)
    yield server
    server.close()


def ask(server: Server, path: str) -> tuple[int, str]:
    connection = HTTPConnection(server.address, timeout=5)
    connection.request("GET", path)
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


def test_a_service_is_ready_while_all_its_loops_work(state: Health, server: Server) -> None:
    assert ask(server, "/ready")[0] == 503
    one, two = state.pulse("one"), state.pulse("two")
    one.assigned = True
    status, body = ask(server, "/ready")
    assert status == 503
    assert json.loads(body)["two"]["assigned"] is False
    two.assigned = True
    assert ask(server, "/ready")[0] == 200
    two.fault = "database: connection refused"
    status, body = ask(server, "/ready")
    assert (status, json.loads(body)["two"]["fault"]) == (503, "database: connection refused")
    assert ask(server, "/live")[0] == 200
    state.forget("two")
    assert ask(server, "/ready")[0] == 200


def test_a_loop_that_stands_still_is_not_alive(
    state: Health, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse = state.pulse("loop")
    pulse.assigned = True
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + STALE_SECONDS + 1)
    assert not pulse.live
    assert not pulse.ready
    pulse.touch()
    assert pulse.live


def test_metrics_are_served_in_prometheus_form(server: Server) -> None:
    metrics.DEAD_LETTERS.labels("test", "in", "InvalidError").inc()
    status, body = ask(server, "/metrics?name=x")
    assert status == 200
    sample = 'dnstats_dead_letters_total{reason="InvalidError",service="test",topic="in"} 1.0'
    assert sample in body


@pytest.mark.parametrize("path", ["/", "/nothing", "/../etc/passwd"])
def test_other_paths_are_named_as_missing(server: Server, path: str) -> None:
    assert ask(server, path)[0] == 404


def test_a_port_that_is_taken_does_not_stop_the_service(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = server.address.split(":")
    second = Server(Health(), host, int(port))
    assert second.address == ""
    second.close()


def test_labels_are_reasons_and_places_never_domains() -> None:
    allowed = {
        *("group", "topic", "partition", "service", "stage", "table"),
        *("reason", "status", "transport", "how", "outcome"),
    }
    every: dict[str, Any] = {n: m for n, m in vars(metrics).items() if n.isupper()}
    assert every
    for metric in every.values():
        assert metric._name.startswith("dnstats_")
        assert metric._documentation.endswith(".")
        assert set(metric._labelnames) <= allowed
