"""Grades and their remarks in a real database."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from services.common.messages.envelope import InvalidError
from services.common.store import grades, partitions
from services.common.store.database import engine as connect
from services.common.store.faults import translated
from services.common.store.grades import MAX_REMARKS, GradeRow, RemarkRow
from services.common.store.site_runs import upsert
from tests.unit.processor.contract import ROW

pytestmark = pytest.mark.services

RUN = 3
SEEN = 1_700_000_000_000_000
REMARK = RemarkRow(
    "SPF_HAS_PTR", "deprecation", {"term": "ptr\\"}, [["a.test", "TXT", "resolver", "ANSWERED"]]
)


def grade(points: int | None = 80, remarks: tuple[RemarkRow, ...] = (REMARK,)) -> GradeRow:
    return GradeRow(
        run_id=RUN,
        site_id=5,
        grader="spf",
        points=points,
        letter="B-",
        undetermined=False,
        applicable=True,
        grader_version=2,
        reference_version=2,
        reference_name="world",
        evidence_hash=bytes(range(32)),
        scan_id="0e37df36-f698-4d73-8dd2-9d0e0a1c6e53",
        finished_at=SEEN,
        processor_version=2,
        detail={"state": "valid", "terms": ["ptr\t\\"]},
        graded_at=SEEN + 1,
        remarks=remarks,
    )


ONE = grade()
LATER_SCAN = replace(ONE, finished_at=SEEN + 1, processor_version=1, points=1, remarks=())
NEWER_CODE = replace(ONE, processor_version=3, grader_version=1, points=2, remarks=(REMARK,) * 2)
NEWER_GRADER = replace(ONE, grader_version=3, reference_version=1, points=3, remarks=(REMARK,) * 3)
NEWER_DATA = replace(ONE, reference_version=3, points=4, remarks=(REMARK,) * 4)


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = connect(database)
    partitions.create(connections, RUN)
    yield connections
    connections.dispose()


def put(engine: Engine, *rows: GradeRow) -> list[GradeRow]:
    with translated(), engine.begin() as connection:
        return grades.replace(connection, rows)


def stored(engine: Engine) -> list[tuple[int, str, int | None, int]]:
    """Site, grader, points and number of remarks."""
    query = text(
        "SELECT g.site_id, g.grader, g.points, count(r.tag) FROM grades g LEFT JOIN remarks r"
        " USING (run_id, site_id, grader) GROUP BY 1, 2, 3 ORDER BY 1, 2"
    )
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_a_grade_comes_back_as_it_was(engine: Engine) -> None:
    assert put(engine, ONE) == [ONE]
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM grades")).mappings().one()
        remark = connection.execute(text("SELECT * FROM remarks")).mappings().one()
    assert (row["points"], row["letter"], row["remarks_cut"]) == (80, "B-", 0)
    assert bytes(row["evidence_hash"]) == ONE.evidence_hash
    assert row["detail"] == ONE.detail
    assert row["finished_at"].timestamp() * 1_000_000 == SEEN
    assert dict(remark) == {
        "run_id": RUN,
        "site_id": 5,
        "grader": "spf",
        "ordinal": 0,
        "tag": "SPF_HAS_PTR",
        "level": "deprecation",
        "args": {"term": "ptr\\"},
        "lookups": [["a.test", "TXT", "resolver", "ANSWERED"]],
    }


@pytest.mark.parametrize("order", list(permutations((ONE, NEWER_DATA, NEWER_GRADER, NEWER_CODE))))
def test_scan_then_processor_then_grader_then_data_decide(
    engine: Engine, order: tuple[GradeRow, ...]
) -> None:
    for row in order:
        put(engine, row)
    assert stored(engine) == [(5, "spf", 2, 2)]
    assert put(engine, LATER_SCAN) == [LATER_SCAN]
    assert put(engine, *order) == []
    assert stored(engine) == [(5, "spf", 1, 0)]


ROWS = [
    replace(row, site_id=site, grader=grader)
    for row in (ONE, LATER_SCAN, NEWER_CODE, NEWER_GRADER, NEWER_DATA)
    for site in (1, 2)
    for grader in ("mx", "spf")
]


@given(order=st.permutations(ROWS), again=st.lists(st.sampled_from(ROWS)), size=st.integers(1, 9))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_order_and_repetition_ends_in_the_same_grades_and_remarks(
    engine: Engine, order: list[GradeRow], again: list[GradeRow], size: int
) -> None:
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE grades, remarks"))
    rows = [*order, *again]
    for start in range(0, len(rows), size):
        put(engine, *rows[start : start + size])
    assert stored(engine) == [(site, grader, 1, 0) for site in (1, 2) for grader in ("mx", "spf")]


def test_of_one_transaction_every_batch_counts(engine: Engine) -> None:
    with engine.begin() as connection:
        assert grades.replace(connection, [NEWER_DATA]) == [NEWER_DATA]
        assert grades.replace(connection, [ONE]) == []
        assert grades.replace(connection, [NEWER_GRADER]) == [NEWER_GRADER]
    assert stored(engine) == [(5, "spf", 3, 3)]


def test_grades_of_several_runs_in_one_batch(engine: Engine) -> None:
    partitions.create(engine, RUN + 1)
    put(engine, replace(ONE, run_id=RUN + 1), NEWER_DATA, replace(ONE, grader="mx"))
    put(engine, replace(NEWER_DATA, run_id=RUN + 1, remarks=()))
    with engine.connect() as connection:
        query = text("SELECT run_id, grader, count(*) FROM remarks GROUP BY 1, 2 ORDER BY 1, 2")
        assert [tuple(row) for row in connection.execute(query)] == [
            (RUN, "mx", 1),
            (RUN, "spf", 4),
        ]


def test_remarks_beyond_the_limit_are_cut_and_counted(engine: Engine) -> None:
    put(engine, grade(remarks=(REMARK,) * (MAX_REMARKS + 7)))
    assert stored(engine) == [(5, "spf", 80, MAX_REMARKS)]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT remarks_cut FROM grades")).scalar() == 7


@pytest.mark.parametrize("points", [-1, 101])
def test_points_outside_the_scale_are_invalid_and_change_nothing(
    engine: Engine, points: int
) -> None:
    put(engine, ONE)
    with pytest.raises(InvalidError, match="SQLSTATE 23514"):
        put(engine, replace(NEWER_DATA, grader="mx"), replace(NEWER_DATA, points=points))
    assert stored(engine) == [(5, "spf", 80, 1)]


def test_a_remark_that_cannot_be_stored_takes_its_grade_along(engine: Engine) -> None:
    put(engine, ONE)
    with pytest.raises(InvalidError):
        put(engine, replace(NEWER_DATA, remarks=(replace(REMARK, level="\0"),)))
    assert stored(engine) == [(5, "spf", 80, 1)]


def test_the_view_shows_grades_beside_the_site_run(engine: Engine) -> None:
    with engine.begin() as connection:
        upsert(connection, [ROW, replace(ROW, site_id=6)])
    put(engine, ONE, replace(ONE, grader="dmarc", points=None))
    query = text("SELECT site_id, domain, spf_grade, dmarc_grade, mx_grade FROM graded_site_runs")
    with engine.connect() as connection:
        rows = {tuple(row) for row in connection.execute(query)}
    assert rows == {(5, "site.test", 80, None, None), (6, "site.test", None, None, None)}
