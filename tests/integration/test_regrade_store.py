"""The store of a regrade in a real database: the same changes however messages are delivered."""

from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import Engine, text

from services.common.messages.envelope import Incoming
from services.common.messages.topics import GRADE_REQUESTS
from services.common.reference.load import load
from services.common.store import partitions, regrades
from services.common.store.database import engine as connect
from services.common.store.regrades import Plan
from services.grader.adapters.graded import GradeStore
from services.grader.adapters.regraded import RegradeStore
from services.grader.core.catalogue import GRADERS
from services.grader.core.verdict import Grader
from services.grader.handler import GradeHandler, RegradeHandler
from tests.integration.past_run import other_version, request, store_run
from tests.integration.schedulers import now

pytestmark = pytest.mark.services

MX = GRADERS["mx"]
SITES = 5
FIRST, LATER = 1_795_500_000_000_000, 1_795_500_001_000_000


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = connect(database)
    partitions.create(connections, store_run(connections, SITES, ("mx",)))
    yield connections
    connections.dispose()


def messages(finished_at: int = FIRST, sites: Sequence[int] = range(SITES)) -> list[Incoming]:
    values = [request(1, site, finished_at=finished_at) for site in sites]
    return [Incoming(GRADE_REQUESTS, 0, at, None, value, (), 0) for at, value in enumerate(values)]


def grade(engine: Engine, grader: Grader, batch: Sequence[Incoming]) -> None:
    GradeHandler(grader, load, GradeStore(engine))(batch)


def regrade(
    engine: Engine, *batches: Sequence[Incoming], shadow: bool, force: bool = False
) -> list[tuple[object, ...]]:
    """What changed, of a regrade by MX that is given these batches."""
    plan = Plan(1, 0, {"mx": MX.version}, 1, shadow, force)
    with engine.begin() as connection:
        begun = regrades.begin(connection, plan, now())
    handler = RegradeHandler([MX], load, RegradeStore(engine, begun))
    for batch in batches:
        handler(batch)
    with engine.begin() as connection:
        assert regrades.finish(connection, begun.id, now())
        found = connection.execute(
            text("SELECT * FROM grade_changes WHERE regrade_id = :id ORDER BY site_id"),
            {"id": begun.id},
        )
        rows = [tuple(row)[1:] for row in found]
    return [
        tuple(bytes(part) if isinstance(part, memoryview) else part for part in row) for row in rows
    ]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("versions", [-1, 0, 1])
def test_a_shadow_foretells_a_regrade(engine: Engine, versions: int, force: bool) -> None:
    grade(engine, other_version(MX, versions), messages(sites=(1, 2)))
    grade(engine, MX, messages(sites=(3,)))
    grade(engine, other_version(MX, versions), messages(LATER, sites=(4,)))
    foretold = regrade(engine, messages(), shadow=True, force=force)
    assert regrade(engine, messages(), shadow=False, force=force) == foretold
    changed = [row[0] for row in foretold]
    assert changed == ([0, 1, 2] if force or versions <= 0 else [0])


@pytest.mark.parametrize("shadow", [False, True])
def test_what_is_delivered_again_changes_nothing(engine: Engine, shadow: bool) -> None:
    grade(engine, other_version(MX, -1), messages(sites=(1, 2, 3)))
    batch = messages()
    again = regrade(engine, batch[:3], batch[:2], batch, batch, shadow=shadow)
    assert [row[0] for row in again] == list(range(SITES))
    assert regrade(engine, batch, shadow=True) == (again if shadow else [])


@pytest.mark.parametrize("shadow", [False, True])
def test_of_a_site_scanned_twice_the_later_scan_counts(engine: Engine, shadow: bool) -> None:
    first, later = messages(FIRST, (0,)), messages(LATER, (0,))
    one = regrade(engine, [*first, *later], shadow=True)
    assert regrade(engine, first, later, shadow=shadow) == one
    [(site, *_)] = one
    assert site == 0


def test_a_regrade_is_joined_until_it_is_finished(engine: Engine) -> None:
    plan = Plan(1, 0, {"mx": 1, "spf": 2}, 1, shadow=False, force=False)
    with engine.begin() as connection:
        begun = regrades.begin(connection, plan, now())
        assert regrades.begin(connection, plan, now()) == begun
        other = regrades.begin(connection, Plan(1, 0, {"mx": 2}, 1, False, False), now())
        assert other.id != begun.id
        assert regrades.finish(connection, begun.id, now())
        assert not regrades.finish(connection, begun.id, now())
        assert regrades.begin(connection, plan, now()).id not in (begun.id, other.id)
        assert [one.id for one in regrades.newest(connection, 2)] == sorted(
            (one.id for one in regrades.of_run(connection, 1)), reverse=True
        )[:2]
