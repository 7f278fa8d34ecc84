"""What replays of runs leave behind, and which dead letters were dealt with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
oldest = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
TABLES = (
    "handled_letters",
    "replay_positions",
    "replay_failures",
    "grade_changes",
    "regrades",
    "generations",
)


def upgrade() -> None:
    for column in ("archived_at", "pruned_at"):
        op.add_column("runs", sa.Column(column, TIME))
    op.add_column("runs", sa.Column("counts", JSONB))
    _create_generations()
    _create_regrades()
    _create_grade_changes()
    _create_replays()
    _create_handled_letters()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    for column in ("archived_at", "pruned_at", "counts"):
        op.drop_column("runs", column)


def _create_generations() -> None:
    op.create_table(
        "generations",
        sa.Column("run_id", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("processor_version", sa.Integer, nullable=False),
        sa.Column("reference_version", sa.Integer, nullable=False),
        sa.Column("reference_name", sa.Text, nullable=False),
        sa.Column("starts", JSONB, nullable=False),
        sa.Column("ends", JSONB),
        sa.Column("completed_at", TIME),
        sa.Column("created_at", TIME, nullable=False),
        _belongs_to_run("generations"),
        sa.PrimaryKeyConstraint("run_id", "generation", name="generations_pkey"),
    )


def _create_regrades() -> None:
    op.create_table(
        "regrades",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("run_id", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("versions", JSONB, nullable=False),
        sa.Column("reference_version", sa.Integer, nullable=False),
        sa.Column("shadow", sa.Boolean, nullable=False),
        sa.Column("force", sa.Boolean, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        _belongs_to_run("regrades"),
        sa.PrimaryKeyConstraint("id", name="regrades_pkey"),
    )


def _belongs_to_run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["run_id"], ["runs.id"], name=f"{table}_run_id_fkey", ondelete="CASCADE"
    )


def _create_grade_changes() -> None:
    op.create_table(
        "grade_changes",
        sa.Column("regrade_id", sa.BigInteger, nullable=False),
        sa.Column("site_id", sa.BigInteger, nullable=False),
        sa.Column("grader", sa.Text, nullable=False),
        sa.Column("old_points", sa.SmallInteger),
        sa.Column("old_letter", sa.Text),
        sa.Column("old_undetermined", sa.Boolean),
        sa.Column("old_applicable", sa.Boolean),
        sa.Column("old_version", sa.Integer),
        sa.Column("old_reference_version", sa.Integer),
        sa.Column("old_hash", sa.LargeBinary),
        sa.Column("new_points", sa.SmallInteger),
        sa.Column("new_letter", sa.Text),
        sa.Column("new_undetermined", sa.Boolean, nullable=False),
        sa.Column("new_applicable", sa.Boolean, nullable=False),
        sa.Column("new_version", sa.Integer, nullable=False),
        sa.Column("new_reference_version", sa.Integer, nullable=False),
        sa.Column("new_hash", sa.LargeBinary, nullable=False),
        *(
            sa.Column(name, JSONB, nullable=False)
            for name in ("gained", "lost", "reworded", "causes")
        ),
        sa.PrimaryKeyConstraint("regrade_id", "site_id", "grader", name="grade_changes_pkey"),
    )


def _create_replays() -> None:
    op.create_table(
        "replay_failures",
        sa.Column("replay", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(
            "replay", "stage", "partition", "offset", name="replay_failures_pkey"
        ),
    )
    op.create_table(
        "replay_positions",
        sa.Column("replay", sa.Text, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("replay", "partition", name="replay_positions_pkey"),
    )


def _create_handled_letters() -> None:
    op.create_table(
        "handled_letters",
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("handled_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", "offset", name="handled_letters_pkey"),
        sa.CheckConstraint(
            "action IN ('requeued', 'dropped')", name=op.f("handled_letters_action_check")
        ),
    )
