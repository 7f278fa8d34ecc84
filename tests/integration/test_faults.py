"""Everything around the services fails once while they work: no row is lost, doubled or changed.

The command `python -m tests.integration.faults` has more of them, and lets them last.
"""

import random
from collections.abc import Iterator

import pytest

from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS
from services.common.stream.offsets import Offsets
from tests.integration.faults.catalogue import FAULTS
from tests.integration.faults.endure import dead_letters, endure, peaceful
from tests.integration.faults.repeat import say_again, snapshot
from tests.integration.faults.rig import Rig, rig
from tests.integration.pipeline import Rows

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

SITES = 150
LONGEST_TO_GO_ON = 60.0
"""Seconds, on a machine that does much else; `make faults` tells what it takes."""


@pytest.fixture(scope="module")
def to(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("faults"), SITES) as running:
        yield running


@pytest.fixture(scope="module")
def reference(to: Rig) -> tuple[int, Rows]:
    return peaceful(to)


@pytest.mark.parametrize(
    "name",
    [
        "broker-stopped",
        "both-killed",
        "both-hung",
        "both-slow",
        "tables-full",
        "database-full",
        "broker-full",
        "zombies",
        "offsets-lost",
        "offsets-deleted",
    ],
)
def test_fault_is_waited_out_and_changes_no_row(
    to: Rig, reference: tuple[int, Rows], name: str
) -> None:
    fault = FAULTS[name]
    if fault.needs_disks and not to.disks:
        pytest.skip("needs disks of its own, and nobody may mount one here")
    outcome = endure(to, fault, fault.seconds, reference[1])
    assert outcome.wrong == ()
    assert (outcome.to_go_on or 0.0) < LONGEST_TO_GO_ON


@pytest.mark.parametrize("topic", [SCAN_RESULTS, GRADE_REQUESTS])
def test_what_comes_again_in_another_order_changes_nothing(
    to: Rig, reference: tuple[int, Rows], topic: str
) -> None:
    run = reference[0]
    before = snapshot(to, run)
    assert say_again(to, run, topic, random.Random(1)) >= 2 * SITES
    assert snapshot(to, run) == before
    assert "the books are right" in to.machine.dnstats("runs", "verify", str(run))
    assert dead_letters(to) == []


def test_batches_of_a_closed_run_are_not_scanned_again(
    to: Rig, reference: tuple[int, Rows]
) -> None:
    results = Offsets(to.broker).ends(SCAN_RESULTS)
    assert say_again(to, reference[0], SCAN_REQUESTS, random.Random(1)) >= 2 * SITES
    assert Offsets(to.broker).ends(SCAN_RESULTS) == results
