"""A real Kafka broker of one node (KRaft) as an ordinary process on loopback."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.local import jars
from deploy.local.ports import LOOPBACK, kept_ports, listens
from deploy.local.process import Child, LocalError, wait_until

CLUSTER_ID = "ZG5zdGF0cy1sb2NhbC0wMQ"
MESSAGE_MAX_BYTES = 4 * 1024 * 1024
QUICK_START = ("-XX:TieredStopAtLevel=1",)
"""Halves the start, at the cost of throughput: for tests."""


class Kafka:
    """A broker whose data lives in `folder`; a context manager that starts and stops it."""

    def __init__(self, folder: Path, *, quick: bool = False, heap: str = "512m") -> None:
        self._folder = folder.absolute()
        self._port, self._controller_port = kept_ports(self._folder / "ports.json", 2)
        self._config = self._folder / "server.properties"
        self._java = [jars.java(), f"-Xmx{heap}", "-XX:+UseSerialGC", *(QUICK_START * quick)]
        self._java += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        self._java += ["-cp", jars.class_path()]
        self.child = Child("kafka", [*self._java, "kafka.Kafka", str(self._config)], folder.parent)

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Starts it and returns at once; `wait` follows. Raises LocalError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(self._properties(), "utf-8")
        self._format()
        self.child.start()

    def wait(self, seconds: float = 60) -> None:
        """Returns when clients are served; raises LocalError."""
        wait_until(lambda: listens(self._port), self.child, seconds)
        client = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        wait_until(lambda: _answers(client), self.child, seconds)

    def stop(self, grace: float = 15.0) -> None:
        self.child.stop(grace)

    def __enter__(self) -> Self:
        self.start()
        self.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _format(self) -> None:
        if (self._folder / "data" / "meta.properties").exists():
            return
        command = [*self._java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID]
        command += ["-c", str(self._config), "--ignore-formatted"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LocalError(f"Kafka's storage: {(done.stderr or done.stdout).strip()}")

    def _properties(self) -> str:
        broker = f"PLAINTEXT://{self.bootstrap}"
        controller = f"{LOOPBACK}:{self._controller_port}"
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            # Static voters: the controller may come back on another port, unlike with --standalone.
            "controller.quorum.voters": f"1@{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"{broker},CONTROLLER://{controller}",
            "advertised.listeners": broker,
            "log.dirs": self._folder / "data",
            "auto.create.topics.enable": "false",
            "message.max.bytes": MESSAGE_MAX_BYTES,
            "replica.fetch.max.bytes": MESSAGE_MAX_BYTES,
            "group.initial.rebalance.delay.ms": 0,
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        }
        return "".join(f"{name}={value}{os.linesep}" for name, value in settings.items())


def _answers(client: AdminClient) -> bool:
    with suppress(KafkaException):
        return bool(client.list_topics(timeout=2).brokers)
    return False
