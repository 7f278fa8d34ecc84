"""/metrics, /live and /ready over HTTP, from a thread that cannot take its service down."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.common.telemetry.logs import logger

STALE_SECONDS = 60.0
"""A loop that has not turned for so long is stuck. Above the longest wait inside one turn."""


@dataclass
class Pulse:
    """What one loop tells of itself. Written by that loop alone."""

    touched: float = field(default_factory=time.monotonic)
    assigned: bool = False
    """It is a member of its group, with partitions or without."""
    connected: bool = True
    """The broker answers."""
    fault: str = ""
    """Why it waits (broker, database); "" while it works."""

    def touch(self) -> None:
        self.touched = time.monotonic()

    @property
    def live(self) -> bool:
        return time.monotonic() - self.touched < STALE_SECONDS

    @property
    def ready(self) -> bool:
        return self.live and self.assigned and self.connected and not self.fault


class Health:
    """The pulses of a process: alive while all turn, ready while all work."""

    def __init__(self) -> None:
        self._pulses: dict[str, Pulse] = {}

    def pulse(self, name: str) -> Pulse:
        """The pulse of that name, made at its first use."""
        return self._pulses.setdefault(name, Pulse())

    def forget(self, name: str) -> None:
        """Drop the pulse of a loop that is over."""
        self._pulses.pop(name, None)

    def report(self) -> tuple[bool, bool, dict[str, dict[str, object]]]:
        """Live, ready, and the state of each pulse."""
        pulses = dict(self._pulses)
        states: dict[str, dict[str, object]] = {
            name: {
                "live": pulse.live,
                "ready": pulse.ready,
                "assigned": pulse.assigned,
                "connected": pulse.connected,
                "fault": pulse.fault,
            }
            for name, pulse in pulses.items()
        }
        live = all(pulse.live for pulse in pulses.values())
        ready = bool(pulses) and all(pulse.ready for pulse in pulses.values())
        return live, ready, states


class Server:
    """Serves a `Health`. `address` is "host:port", or "" where it could not listen."""

    def __init__(self, health: Health, host: str = "127.0.0.1", port: int = 0) -> None:
        self.address = ""
        self._http: ThreadingHTTPServer | None = None
        try:
            self._http = ThreadingHTTPServer((host, port), _handler(health))
        except OSError as error:
            logger().error("health not served", host=host, port=port, error=str(error))
            return
        self._http.daemon_threads = True
        self.address = f"{host}:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, name="health", daemon=True).start()
        logger().info("health served", address=self.address)

    def close(self) -> None:
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            status, kind, body = _answer(health, self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            logger().debug("health asked", request=format % args)

    return Handler


def _answer(health: Health, path: str) -> tuple[int, str, bytes]:
    """Status, content type and body of a request."""
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST, generate_latest()
    if path not in {"/live", "/ready"}:
        return 404, "text/plain", b"/metrics /live /ready\n"
    live, ready, states = health.report()
    good = live if path == "/live" else ready
    return 200 if good else 503, "application/json", json.dumps(states).encode() + b"\n"
