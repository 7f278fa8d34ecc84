"""What every service does before it works: logs, health, stop signals, the broker and topics."""

import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from services.common.config import Settings
from services.common.messages.envelope import BrokenError
from services.common.stream import topics
from services.common.stream.broker import Broker
from services.common.telemetry import health, logs

RETRY_SECONDS = 2.0

T = TypeVar("T")


@dataclass(frozen=True)
class Service:
    """A started process. `stop` is set by SIGTERM and SIGINT."""

    name: str
    broker: Broker
    layout: topics.Layout
    health: health.Health
    stop: threading.Event

    def wait_for(self, work: Callable[[], T], name: str = "start") -> T:
        """Do it as soon as it can be done: BrokenError is waited out, the pulse `name` not ready
        meanwhile. Exits with 0 where the process is stopped before."""
        pulse = self.health.pulse(name)
        while not self.stop.is_set():
            pulse.touch()
            try:
                done = work()
            except BrokenError as error:
                pulse.fault = str(error)
                logs.logger().warning("cannot start yet", fault=str(error))
                self.stop.wait(RETRY_SECONDS)
            else:
                self.health.forget(name)
                return done
        sys.exit(0)


def start(name: str, settings: Settings) -> Service:
    """Logs, health and signals; then the broker, waited for. Exits with 1 where its topics are
    not as they must be."""
    logs.setup(name, settings.log_level)
    layout = topics.Layout(settings.partitions, settings.replication)
    broker = Broker(settings.kafka, settings.topic_prefix)
    service = Service(name, broker, layout, health.Health(), _stopping())
    health.Server(service.health, settings.http_host, settings.http_port)
    try:
        service.wait_for(partial(topics.verify, broker, layout))
    except topics.TopicsError as error:
        raise SystemExit(str(error)) from error
    return service


def _stopping() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
