"""Messages that come again, long after their run and in another order."""

import random

from sqlalchemy import Table, select

from deploy.local.setup import GRADERS
from services.common.messages.envelope import Outgoing, run_header
from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS
from services.common.store import tables
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.common.stream.window import since
from tests.integration.faults.rig import Rig
from tests.integration.pipeline import OBSERVATION_COLUMNS
from tests.integration.streams import until

TIMES = 2
READ_SECONDS = 60.0
READERS = {
    SCAN_REQUESTS: ["scanner"],
    SCAN_RESULTS: ["processor"],
    GRADE_REQUESTS: [f"grader-{name}" for name in GRADERS],
}
STORED = [*OBSERVATION_COLUMNS, "run_windows", "run_graders"]


def say_again(rig: Rig, run: int, topic: str, chance: random.Random) -> int:
    """Append a run's messages of the topic `TIMES` more times, shuffled each time; returns how
    many, once every group that reads the topic is past them."""
    told = [said for said in since(rig.broker, topic, 0) if run_header(run) in said.headers]
    producer = Producer(rig.broker)
    for _ in range(TIMES):
        for said in chance.sample(told, len(told)):
            again = Outgoing(topic, said.key, said.value or b"", said.headers, said.partition)
            producer.send(again)
    producer.flush()
    until(lambda: is_read(rig, topic), READ_SECONDS)
    return TIMES * len(told)


def is_read(rig: Rig, topic: str) -> bool:
    offsets = Offsets(rig.broker)
    ends = offsets.ends(topic)
    return all(offsets.committed(group, topic) == ends for group in READERS[topic])


def snapshot(rig: Rig, run: int) -> dict[str, list[str]]:
    """All that is stored of a run, in every column but the time of grading."""
    return {name: _rows(rig, tables.metadata.tables[name], run) for name in STORED}


def _rows(rig: Rig, table: Table, run: int) -> list[str]:
    columns = [column for column in table.columns if column.name != "graded_at"]
    with rig.connect() as connection:
        found = connection.execute(select(*columns).where(table.c.run_id == run))
        return sorted(map(repr, found))
