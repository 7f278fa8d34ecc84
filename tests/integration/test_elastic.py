"""Scanners and processors come and go during a run: nothing is lost, and nothing stands still."""

import random
import signal
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.integration.elastic import PROCESSOR, SCANNER, Crowd, await_share, watched
from tests.integration.kill_round import faults_of, settle, undisturbed
from tests.integration.pipeline import Machine, Rows, machine
from tests.integration.progress import Progress

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

SITES = 900
BATCHES_OF = "2"
SLOW = {"BATCHES_IN_FLIGHT": "4"}
"""A scanner takes a batch only after it has committed one before, twice a second: a run lasts long
enough for processes to come and go. With one in flight, two sites that never answer would be a gap
of 18 s by themselves."""
LONGEST_GAP = 15.0
CHANGES = 12
"""At least so many while sites are pending: fewer would show nothing."""
MOST_CHANGES = 30
"""A site that takes longer than its scanner stays is begun again by the next: some of the world's
take 18 s and would never be done while scanners change for ever."""


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("elastic"), scale=2, given=SLOW) as to:
        to.import_list(SITES)
        yield to


@pytest.fixture(scope="module")
def progress(local: Machine) -> Iterator[Progress]:
    with closing(Progress(local.dsn, local.bootstrap)) as progress:
        yield progress


@pytest.fixture(scope="module")
def reference(local: Machine, progress: Progress) -> Rows:
    return undisturbed(local, progress)


@pytest.fixture
def crowd(local: Machine) -> Iterator[Crowd]:
    with closing(Crowd(local)) as crowd:
        yield crowd


def test_processes_come_and_go_during_a_run(
    local: Machine, progress: Progress, reference: Rows, crowd: Crowd
) -> None:
    steps = (
        (crowd.join, SCANNER, 0.0),
        (crowd.join, PROCESSOR, 0.0),
        (crowd.kill, PROCESSOR, 0.25),
        (crowd.join, SCANNER, 0.3),
        (crowd.end, SCANNER, 0.45),
        (crowd.join, PROCESSOR, 0.5),
        (crowd.kill, SCANNER, 0.6),
        (crowd.join, SCANNER, 0.65),
        (crowd.end, PROCESSOR, 0.75),
        (crowd.end, SCANNER, 0.8),
    )
    run = local.start_run("--batch-size", BATCHES_OF)
    with watched(local, run, SITES) as commits:
        for change, service, share in steps:
            await_share(commits, share)
            assert commits.pending
            change(service)
        await_share(commits, 1.0)
    settle(local, progress, run)
    print(f"longest gap between SiteRun commits: {commits.gap:.1f} s; {progress.repeated(run)}")
    assert faults_of(local, progress, run, reference) == []
    assert commits.gap < LONGEST_GAP
    assert sorted(crowd.close()) == [-signal.SIGKILL] * 2 + [0] * 3


def test_partitions_are_revoked_in_the_middle_of_everything(
    local: Machine, progress: Progress, reference: Rows, crowd: Crowd
) -> None:
    chance, changes = random.Random(1), 0
    run = local.start_run("--batch-size", BATCHES_OF)
    with watched(local, run, SITES) as commits:
        while commits.pending and changes < MOST_CHANGES:
            service = chance.choice((SCANNER, PROCESSOR))
            leaves = crowd.count(service) > chance.randint(0, 2)
            (crowd.end if leaves else crowd.add)(service)
            changes += 1
            time.sleep(chance.uniform(1.0, 2.0))
        await_share(commits, 1.0)
    settle(local, progress, run)
    print(f"{changes} changes, longest gap {commits.gap:.1f} s; {progress.repeated(run)}")
    assert faults_of(local, progress, run, reference) == []
    assert changes >= CHANGES
    assert set(crowd.close()) <= {0, -signal.SIGTERM}  # asked to end before it knew how
