"""A closed run made of grade requests alone, for tests of what is done with past runs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, insert, text

from services.common.messages.codec import Codec
from services.common.messages.envelope import Incoming, Outgoing, run_header
from services.common.messages.topics import GRADE_REQUESTS
from services.common.reference.load import load
from services.common.store import partitions, runs, tables
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.grader.adapters.graded import GradeStore
from services.grader.core.verdict import Graded, Grader, Section
from services.grader.handler import GradeHandler
from tests import examples
from tests.integration.schedulers import now


@dataclass(frozen=True)
class PastRun:
    """Run `number`, whose sites are s0.test, s1.test … with the numbers 0, 1 …"""

    engine: Engine
    broker: Broker
    number: int
    requests: Sequence[bytes]

    def judged_by(self, *graders: Grader) -> None:
        """Store what these graders say of all requests."""
        batch = [Incoming(GRADE_REQUESTS, 0, 0, None, one, (), 0) for one in self.requests]
        for grader in graders:
            GradeHandler(grader, load, GradeStore(self.engine))(batch)

    def query(self, sql: str, **given: object) -> list[Any]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql), given)]

    def rows(self) -> list[Any]:
        """Every column of grades and remarks, but when a grade was made."""
        grades = ", ".join(
            column.name for column in tables.grades.columns if column.name != "graded_at"
        )
        given = {"run": self.number}
        found = self.query(
            f"SELECT {grades} FROM grades WHERE run_id = :run ORDER BY 2, 3", **given
        )
        found += self.query("SELECT * FROM remarks WHERE run_id = :run ORDER BY 2, 3, 4", **given)
        return [
            tuple(bytes(part) if isinstance(part, memoryview) else part for part in row)
            for row in found
        ]


def past_run(
    engine: Engine,
    broker: Broker,
    sites: int,
    *others: bytes,
    graders: Sequence[str] = ("spf", "mx"),
) -> PastRun:
    """A graded run over `sites` sites, with requests but without grades. `others` are messages of
    the run that are no request of these sites; a message of another run is among them too."""
    offsets = Offsets(broker)
    starts = offsets.ends(GRADE_REQUESTS)
    number = store_run(engine, sites, graders)
    partitions.create(engine, number)
    requests = [request(number, site) for site in range(sites)]
    _send(broker, number, [*requests, *others])
    _send(broker, number + 1, [request(number + 1, sites)])
    with engine.begin() as connection:
        runs.open_window(connection, number, GRADE_REQUESTS, starts)
        runs.close_window(connection, number, GRADE_REQUESTS, offsets.ends(GRADE_REQUESTS))
    return PastRun(engine, broker, number, requests)


def request(run: int, site: int, **changes: Any) -> bytes:
    [path] = [one for one in examples.paths(GRADE_REQUESTS) if one.stem == "v1-mail-domain"]
    domain = f"s{site}.test"
    record = json.loads(json.dumps(examples.record(path)).replace("example.com", domain))
    own = {"run_id": run, "site_id": site, "domain": domain, "rank": site + 1}
    return Codec(GRADE_REQUESTS).encode(record | own | changes)


def other_version(grader: Grader, versions: int) -> Grader:
    """The same grader some versions on, with other rules: a point less and a remark more. Below 0:
    some versions before."""
    more = next(kind() for kind in grader.kinds if not kind.parameters)

    def grade(section: Section, reference: Any) -> Graded:
        graded = grader.grade(section, reference)
        points = None if graded.points is None else max(0, graded.points - 1)
        return replace(graded, points=points, remarks=(*graded.remarks, more))

    return replace(grader, version=grader.version + versions, grade=grade)


def store_run(engine: Engine, sites: int, graders: Sequence[str]) -> int:
    """A graded run with its sites, and nothing else."""
    at = now()
    values = {
        "state": "graded",
        "created_at": at,
        "started_at": at,
        "queued_at": at,
        "finished_at": at,
        "deadline": at + timedelta(hours=1),
        "secret": bytes(16),
        "depth": "normal",
        "top": sites,
        "batch_size": sites,
        "batches": 1,
        "sites": sites,
    }
    with engine.begin() as connection:
        number = runs.create(connection, values | {"scheduled_for": None}, graders)
        rows = [
            {"run_id": number, "site_id": n, "domain": f"s{n}.test", "rank": n + 1, "batch": 0}
            for n in range(sites)
        ]
        connection.execute(insert(tables.run_sites), rows)
    return number


def _send(broker: Broker, run: int, values: Sequence[bytes]) -> None:
    producer = Producer(broker)
    for number, value in enumerate(values):
        producer.send(Outgoing(GRADE_REQUESTS, b"%d" % number, value, (run_header(run),)))
    producer.flush()
