"""Every example of a topic goes through the consumer of that topic, as far as the grades."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from services.common.messages.envelope import Incoming
from services.common.messages.topics import GRADE_REQUESTS, SCAN_RESULTS
from services.common.reference.load import load
from services.grader.core.catalogue import GRADERS
from services.grader.handler import GradeHandler, Judgement
from services.processor.core.site_run import SiteRun
from services.processor.handler import Processor
from tests import examples

EXAMPLES = {path.stem: path for path in examples.paths(SCAN_RESULTS)}


class Rows(list[SiteRun]):
    """SiteRuns in memory."""

    def store(self, rows: Sequence[SiteRun]) -> None:
        self.extend(rows)


@pytest.mark.parametrize("path", EXAMPLES.values(), ids=EXAMPLES)
def test_a_scan_result_becomes_a_row_a_request_and_a_grade_of_every_grader(path: Path) -> None:
    domain = examples.record(path)["domain"]
    rows = Rows()
    message = Incoming(SCAN_RESULTS, 3, 9, None, examples.payload(path), (), 0)
    [outgoing] = Processor(rows, load("public"))([message])
    assert [row.domain for row in rows] == [domain]
    assert outgoing.topic == GRADE_REQUESTS
    assert outgoing.key == domain.encode()
    assert dict(outgoing.headers) == {"run_id": b"7"}
    request = Incoming(GRADE_REQUESTS, 0, 0, outgoing.key, outgoing.value, outgoing.headers, 0)
    judged: list[Judgement] = []
    for grader in GRADERS.values():
        GradeHandler(grader, load, judged.extend)([request])
    assert {(one.grader.name, one.request.domain) for one in judged} == {
        (name, domain) for name in GRADERS
    }
    if path.stem == "v1-not-observed":
        assert all(one.graded.undetermined for one in judged)
