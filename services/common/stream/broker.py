"""Which broker, and how the names of topics and groups are told apart on it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError

from services.common.telemetry.logs import logger

SILENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Broker:
    """Everywhere else topics and groups have their plain names; the prefix is put on and taken
    off where they meet the broker, so that several systems can share one."""

    bootstrap: str
    prefix: str = ""

    def named(self, name: str) -> str:
        """The broker's name of a topic or group."""
        return self.prefix + name

    def plain(self, name: str) -> str:
        """Our name of a topic of the broker."""
        return name.removeprefix(self.prefix)

    def config(self, on_error: Callable[[KafkaError], None] | None = None) -> dict[str, Any]:
        """What every client of this broker is configured with."""
        return {
            "bootstrap.servers": self.bootstrap,
            "client.id": "dnstats",
            "error_cb": on_error or ErrorLog(),
            "log.connection.close": False,
            "reconnect.backoff.max.ms": 2_000,
            "logger": logging.getLogger("librdkafka"),
        }


class ErrorLog:
    """Logs the errors of one client: during an outage each kind once in a while, not each time."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def __call__(self, error: KafkaError) -> None:
        name, now = error.name(), time.monotonic()
        if now >= self._next.get(name, 0.0):
            self._next[name] = now + SILENT_SECONDS
            logger().warning("broker error", error=error.str(), code=name)
