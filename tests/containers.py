"""Broker and database in containers (TEST_BACKEND=container), published on loopback only.

testcontainers' own KafkaContainer wants another vendor's image layout; this one needs of the image
only the start script that the public apache/kafka image has.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from tarfile import TarFile, TarInfo

os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")  # read when it is imported

from docker.errors import DockerException
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import wait_for_logs

from deploy.local.kafka import MESSAGE_MAX_BYTES
from deploy.local.process import LocalError

KAFKA_IMAGE = "apache/kafka:4.1.1"
POSTGRES_IMAGE = "postgres:18"
LOOPBACK = "127.0.0.1"
_SCRIPT = "/tmp/start.sh"
_PORT = 9092


@contextmanager
def kafka() -> Iterator[str]:
    """Bootstrap address; raises LocalError where there is no daemon or no image."""
    container = DockerContainer(KAFKA_IMAGE).with_command(
        ["bash", "-c", f"until [ -f {_SCRIPT} ]; do sleep 0.1; done; exec bash {_SCRIPT}"]
    )
    container.ports = {f"{_PORT}/tcp": (LOOPBACK,)}  # type: ignore[dict-item]  # as docker takes it
    with _started(container) as running:
        port = running.get_exposed_port(_PORT)
        _put(running, _SCRIPT, _kafka_script(f"{LOOPBACK}:{port}"))
        wait_for_logs(running, "Kafka Server started", timeout=90)
        yield f"{LOOPBACK}:{port}"


@contextmanager
def postgres() -> Iterator[str]:
    """DSN; raises LocalError where there is no daemon or no image."""
    container = PostgresContainer(POSTGRES_IMAGE, username="dnstats", password="dnstats")
    container.ports = {"5432/tcp": (LOOPBACK,)}  # type: ignore[dict-item]  # as docker takes it
    with _started(container) as running:
        port = running.get_exposed_port(5432)
        yield f"postgresql://dnstats:dnstats@{LOOPBACK}:{port}/postgres"


@contextmanager
def _started(container: DockerContainer) -> Iterator[DockerContainer]:
    try:
        container.start()
    except (DockerException, OSError) as error:
        raise LocalError(f"container {container.image}: {error}") from error
    try:
        yield container
    finally:
        container.stop()


def _kafka_script(advertised: str) -> str:
    """The image's start script turns KAFKA_FOO_BAR into foo.bar."""
    settings = {
        "NODE_ID": 1,
        "PROCESS_ROLES": "broker,controller",
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "LISTENERS": f"PLAINTEXT://:{_PORT},CONTROLLER://:9093",
        "ADVERTISED_LISTENERS": f"PLAINTEXT://{advertised}",
        "LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "MESSAGE_MAX_BYTES": MESSAGE_MAX_BYTES,
        "GROUP_INITIAL_REBALANCE_DELAY_MS": 0,
        "OFFSETS_TOPIC_NUM_PARTITIONS": 1,
        "OFFSETS_TOPIC_REPLICATION_FACTOR": 1,
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": 1,
        "TRANSACTION_STATE_LOG_MIN_ISR": 1,
    }
    lines = [f"export KAFKA_{name}={value}" for name, value in settings.items()]
    return "\n".join([*lines, "exec /etc/kafka/docker/run", ""])


def _put(container: DockerContainer, path: str, text: str) -> None:
    archive = BytesIO()
    with TarFile(fileobj=archive, mode="w") as tar:
        entry = TarInfo(path)
        entry.size = len(text.encode())
        tar.addfile(entry, BytesIO(text.encode()))
    container.get_wrapped_container().put_archive("/", archive.getvalue())
