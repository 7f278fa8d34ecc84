from services.cli.database import remark_kinds
from services.common.store import tables
from services.common.store.seed import DMARC_POLICIES, SPF_POLICIES
from services.grader.core.catalogue import GRADERS


def test_every_remark_kind_has_a_value_for_every_column() -> None:
    columns = {column.name for column in tables.remark_kinds.columns}
    rows = remark_kinds()
    assert len(rows) == sum(len(grader.kinds) for grader in GRADERS.values())
    assert all(row.keys() == columns for row in rows)


def test_policies_have_a_value_for_every_column() -> None:
    columns = {column.name for column in tables.spf_policies.columns}
    assert all(row.keys() == columns for row in (*SPF_POLICIES, *DMARC_POLICIES))
