"""What every service does before it works: logs, health, stop signals, the broker and topics."""

import signal
import sys
import threading
from dataclasses import dataclass

from services.common.config import Settings
from services.common.messages.envelope import BrokenError
from services.common.stream import topics
from services.common.stream.broker import Broker
from services.common.telemetry import health, logs

RETRY_SECONDS = 2.0


@dataclass(frozen=True)
class Service:
    """A started process. `stop` is set by SIGTERM and SIGINT."""

    name: str
    broker: Broker
    layout: topics.Layout
    health: health.Health
    stop: threading.Event


def start(name: str, settings: Settings) -> Service:
    """Wait for the broker without limit; exits with 1 where its topics are not as they must be,
    and with 0 where it is stopped meanwhile."""
    logs.setup(name, settings.log_level)
    layout = topics.Layout(settings.partitions, settings.replication)
    broker = Broker(settings.kafka, settings.topic_prefix)
    service = Service(name, broker, layout, health.Health(), _stopping())
    health.Server(service.health, settings.http_host, settings.http_port)
    _await_topics(service)
    return service


def _await_topics(service: Service) -> None:
    pulse = service.health.pulse("start")
    while not service.stop.is_set():
        pulse.touch()
        try:
            topics.verify(service.broker, service.layout)
        except BrokenError as error:
            pulse.fault = str(error)
            logs.logger().warning("broker is out of reach", fault=str(error))
            service.stop.wait(RETRY_SECONDS)
        except topics.TopicsError as error:
            print(error, file=sys.stderr)
            sys.exit(1)
        else:
            service.health.forget("start")
            return
    sys.exit(0)


def _stopping() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
