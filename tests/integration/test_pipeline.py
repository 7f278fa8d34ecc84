"""The main job end to end: a list becomes grades, through real processes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import select

from services.common.store.tables import grades, remarks, run_sites
from tests.integration.kill_plan import plan
from tests.integration.kill_round import disturbed, undisturbed
from tests.integration.pipeline import Machine, Rows, machine
from tests.integration.progress import Progress

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

SITES = 200
SEEDS = (1, 7)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("pipeline")) as to:
        to.import_list(SITES)
        yield to


@pytest.fixture(scope="module")
def progress(local: Machine) -> Iterator[Progress]:
    with closing(Progress(local.dsn, local.bootstrap)) as progress:
        yield progress


@pytest.fixture(scope="module")
def reference(local: Machine, progress: Progress) -> Rows:
    return undisturbed(local, progress)


def test_every_site_of_a_list_is_graded(local: Machine) -> None:
    run = local.start_run("--wait")
    assert "the books are right" in local.dnstats("runs", "verify", str(run))
    with local.connect() as connection:
        counted = Counter(connection.scalars(select(grades.c.grader).where(grades.c.run_id == run)))
        found = connection.execute(
            select(run_sites.c.domain, remarks.c.tag)
            .join(remarks, remarks.c.site_id == run_sites.c.site_id)
            .where(run_sites.c.run_id == run, remarks.c.run_id == run)
        ).all()
    assert counted == {"spf": SITES, "dmarc": SITES, "mx": SITES}
    assert {tag for _, tag in found} >= {
        "SPF_TOO_MANY_DNS_LOOKUPS",
        "DMARC_POLICY_NONE",
        "MX_IMPLICIT_MX",
        "MX_NOT_OBSERVED",
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_killing_everything_changes_no_row(
    local: Machine, progress: Progress, reference: Rows, seed: int
) -> None:
    planned = plan(seed)
    one = disturbed(local, progress, planned, reference)
    assert one.faults == ()
    assert Counter(hit.name for hit in one.hits) == Counter(planned.names)
    assert one.repeated.requests >= one.repeated.results >= 0
