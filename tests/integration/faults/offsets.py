"""Consumer groups that no longer know how far they were."""

import shutil
import time
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.local.process import recorded
from tests.integration.faults.groups import MEMBERS, TIMEOUT
from tests.integration.faults.process import frozen
from tests.integration.faults.rig import Rig
from tests.integration.streams import until

SERVICES = frozenset(
    {
        "scanner-1",
        "scanner-2",
        "processor-1",
        "processor-2",
        "grader-spf",
        "grader-dmarc",
        "grader-mx",
    }
)


def deleted(rig: Rig, seconds: float) -> None:
    """Every group is deleted while its services are down, as retention does it to groups that
    were away for long."""
    supervisor = recorded(rig.machine.home.supervisor)
    assert supervisor is not None
    with frozen([supervisor[0].pid]):
        for name in SERVICES:
            found = recorded(_record(rig, name))
            if found:
                found[0].terminate()
        until(lambda: not any(recorded(_record(rig, name)) for name in SERVICES))
        until(lambda: _forgotten(rig))
        time.sleep(seconds)


def lost(rig: Rig, seconds: float) -> None:
    """The broker comes back without the topic in which it kept them; the services never ended."""
    rig.kafka.stop()
    for kept in (rig.folder / "kafka" / "data").glob("__consumer_offsets-*"):
        shutil.rmtree(kept)
    time.sleep(seconds)
    rig.kafka.start()
    rig.kafka.wait()


def _record(rig: Rig, name: str) -> Path:
    return rig.machine.home.folder / "pids" / f"{name}.json"


def _forgotten(rig: Rig) -> bool:
    """False as long as a group still has members."""
    client = AdminClient(rig.broker.config())
    asked = client.delete_consumer_groups(list(MEMBERS), request_timeout=TIMEOUT)
    gone = True
    for group in asked.values():
        try:
            group.result(TIMEOUT)
        except KafkaException as error:
            gone = gone and error.args[0].name() == "GROUP_ID_NOT_FOUND"
    return gone
