"""All tables of the first pipeline, and the view of site runs with their grades beside them."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
SCAN = sa.Uuid(as_uuid=False)
PARTITIONED = "LIST (run_id)"
LOOKUP_TABLES = ("dns_providers", "mail_providers", "spf_policies", "dmarc_policies")
RUN_TABLES = (
    "outbox",
    "schedules",
    "failures",
    "remark_kinds",
    "remarks",
    "grades",
    "site_runs",
    "run_sites",
    "run_graders",
    "run_windows",
    "runs",
    "sites",
    "lists",
)
GRADERS = ("spf", "dmarc", "caa", "ns", "soa", "mx", "bimi")


def upgrade() -> None:
    _create_lists_and_sites()
    _create_runs()
    _create_run_parts()
    _create_site_runs()
    _create_grades()
    _create_remarks()
    _create_lookup_tables()
    _create_outbox_and_schedules()
    _create_view()


def downgrade() -> None:
    op.execute("DROP VIEW graded_site_runs")
    for table in (*LOOKUP_TABLES, *RUN_TABLES):
        op.drop_table(table)


def _needed(kind: Any, names: str) -> Iterator[sa.Column[Any]]:
    return (sa.Column(name, kind, nullable=False) for name in names.split())


def _optional(kind: Any, names: str) -> Iterator[sa.Column[Any]]:
    return (sa.Column(name, kind) for name in names.split())


def _create_lists_and_sites() -> None:
    op.create_table(
        "lists",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("list_id", sa.Text),
        sa.Column("list_date", sa.Date),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        *_needed(sa.Integer, "sites new reranked dropped bad"),
        sa.Column("imported_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="lists_pkey"),
    )
    op.create_table(
        "sites",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("current_rank", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        *_optional(sa.BigInteger, "first_list"),
        sa.PrimaryKeyConstraint("id", name="sites_pkey"),
        sa.UniqueConstraint("domain", name="sites_domain_key"),
    )
    op.create_index(
        "sites_current_rank_idx",
        "sites",
        ["current_rank"],
        postgresql_where=sa.text("current_rank > 0"),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("list", sa.BigInteger),
        sa.Column("scheduled_for", TIME),
        sa.Column("created_at", TIME, nullable=False),
        *_optional(TIME, "started_at queued_at scanned_at processed_at finished_at"),
        sa.Column("deadline", TIME),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("depth", sa.Text, nullable=False),
        sa.Column("top", sa.Integer, nullable=False),
        *_optional(sa.Integer, "batch_size batches sites"),
        sa.Column("published_batches", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("note", sa.Text, server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(["list"], ["lists.id"], name="runs_list_fkey"),
        sa.PrimaryKeyConstraint("id", name="runs_pkey"),
        sa.UniqueConstraint("scheduled_for", name="runs_scheduled_for_key"),
    )
    op.create_index(
        "runs_one_open_idx",
        "runs",
        [sa.text("(finished_at IS NULL)")],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
    )


def _create_run_parts() -> None:
    op.create_table(
        "run_windows",
        *_needed(sa.BigInteger, "run_id"),
        *_needed(sa.Text, "topic"),
        *_needed(sa.Integer, "partition"),
        *_needed(sa.BigInteger, "start_offset"),
        *_optional(sa.BigInteger, "end_offset"),
        _belongs_to_run("run_windows"),
        sa.PrimaryKeyConstraint("run_id", "topic", "partition", name="run_windows_pkey"),
    )
    op.create_table(
        "failures",
        *_needed(sa.BigInteger, "run_id site_id"),
        *_needed(sa.Text, "stage reason"),
        _belongs_to_run("failures"),
        sa.PrimaryKeyConstraint("run_id", "site_id", "stage", name="failures_pkey"),
    )
    op.create_table(
        "run_graders",
        *_needed(sa.BigInteger, "run_id"),
        *_needed(sa.Text, "grader"),
        _belongs_to_run("run_graders"),
        sa.PrimaryKeyConstraint("run_id", "grader", name="run_graders_pkey"),
    )
    op.create_table(
        "run_sites",
        *_needed(sa.BigInteger, "run_id site_id"),
        *_needed(sa.Text, "domain"),
        *_needed(sa.BigInteger, "rank"),
        *_needed(sa.Integer, "batch"),
        sa.PrimaryKeyConstraint("run_id", "site_id", name="run_sites_pkey"),
    )
    op.create_index("run_sites_run_id_batch_idx", "run_sites", ["run_id", "batch"])


def _belongs_to_run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["run_id"], ["runs.id"], name=f"{table}_run_id_fkey", ondelete="CASCADE"
    )


def _create_site_runs() -> None:
    op.create_table(
        "site_runs",
        *_needed(sa.BigInteger, "run_id site_id"),
        *_needed(sa.Text, "domain"),
        *_needed(sa.BigInteger, "rank"),
        *_needed(SCAN, "scan_id"),
        *_needed(TIME, "started_at finished_at"),
        *_needed(sa.Text, "scanner_version vantage"),
        *_needed(sa.Integer, "processor_version reference_version"),
        *_needed(sa.Text, "reference_name source_topic"),
        *_needed(sa.Integer, "source_partition"),
        *_needed(sa.BigInteger, "source_offset"),
        *_needed(sa.Text, "status"),
        *_optional(sa.Text, "zone"),
        *_needed(JSONB, "lookups undetermined capped"),
        *_optional(JSONB, "a_records aaaa_records mx_records txt_records caa_records ns_records"),
        *_optional(JSONB, "soa_records ds_records dnskey_records dmarc_records bimi_records"),
        *_optional(JSONB, "ns_ip_addresses ns_server_ns_results"),
        *_optional(sa.Boolean, "has_mx has_spf"),
        *_optional(sa.Text, "spf_policy"),
        *_optional(sa.Boolean, "has_dmarc"),
        *_optional(sa.Text, "dmarc_policy dmarc_sub_policy"),
        *_optional(sa.Boolean, "has_dmarc_aggregate_reporting has_dmarc_forensic_reporting"),
        *_optional(sa.Boolean, "has_caa has_caa_reporting"),
        *_optional(sa.Integer, "caa_issue_count caa_wildcard_count"),
        *_optional(sa.Text, "email_provider dns_provider"),
        *_optional(sa.SmallInteger, "dnssec_ds_algorithm dnssec_digest_type"),
        *_optional(sa.SmallInteger, "dnssec_dnskey_algorithm"),
        *_optional(sa.Boolean, "has_msdc has_bimi has_securitytxt"),
        sa.PrimaryKeyConstraint("site_id", "run_id", name="site_runs_pkey"),
        postgresql_partition_by=PARTITIONED,
    )


def _create_grades() -> None:
    op.create_table(
        "grades",
        *_needed(sa.BigInteger, "run_id site_id"),
        *_needed(sa.Text, "grader"),
        *_optional(sa.SmallInteger, "points"),
        *_optional(sa.Text, "letter"),
        *_needed(sa.Boolean, "undetermined applicable"),
        *_needed(sa.Integer, "grader_version reference_version"),
        *_needed(sa.Text, "reference_name"),
        *_needed(sa.LargeBinary, "evidence_hash"),
        *_needed(SCAN, "scan_id"),
        *_needed(TIME, "finished_at"),
        *_needed(sa.Integer, "processor_version"),
        *_needed(JSONB, "detail"),
        *_needed(sa.Integer, "remarks_cut"),
        *_needed(TIME, "graded_at"),
        sa.CheckConstraint("points BETWEEN 0 AND 100", name="grades_points_check"),
        sa.PrimaryKeyConstraint("site_id", "grader", "run_id", name="grades_pkey"),
        postgresql_partition_by=PARTITIONED,
    )


def _create_remarks() -> None:
    op.create_table(
        "remarks",
        *_needed(sa.BigInteger, "run_id site_id"),
        *_needed(sa.Text, "grader"),
        *_needed(sa.SmallInteger, "ordinal"),
        *_needed(sa.Text, "tag level"),
        *_needed(JSONB, "args lookups"),
        sa.PrimaryKeyConstraint("site_id", "grader", "ordinal", "run_id", name="remarks_pkey"),
        postgresql_partition_by=PARTITIONED,
    )
    op.create_index("remarks_tag_idx", "remarks", ["tag"])


def _create_lookup_tables() -> None:
    op.create_table(
        "remark_kinds",
        *_needed(sa.Text, "tag grader"),
        *_needed(sa.SmallInteger, "number"),
        *_needed(sa.Text, "level text reference means mend retired"),
        sa.PrimaryKeyConstraint("tag", name="remark_kinds_pkey"),
        sa.UniqueConstraint("grader", "number", name="remark_kinds_grader_number_key"),
    )
    for name in ("dmarc_policies", "spf_policies"):
        op.create_table(
            name,
            *_needed(sa.Text, "policy label colour"),
            sa.PrimaryKeyConstraint("policy", name=f"{name}_pkey"),
        )
    for name in ("mail_providers", "dns_providers"):
        op.create_table(
            name, *_needed(sa.Text, "name"), sa.PrimaryKeyConstraint("name", name=f"{name}_pkey")
        )


def _create_outbox_and_schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("handled_until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("job", name="schedules_pkey"),
    )
    op.create_table(
        "outbox",
        *_needed(SCAN, "id"),
        *_needed(sa.Text, "kind"),
        *_needed(JSONB, "payload"),
        *_needed(TIME, "created_at"),
        *_optional(TIME, "delivered_at"),
        sa.Column("attempts", sa.Integer, server_default=sa.text("0"), nullable=False),
        *_needed(TIME, "next_try_at"),
        sa.Column("error", sa.Text, server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint("kind IN ('mail', 'event')", name="outbox_kind_check"),
        sa.PrimaryKeyConstraint("id", name="outbox_pkey"),
    )
    op.create_index(
        "outbox_waiting_idx",
        "outbox",
        ["next_try_at"],
        postgresql_where=sa.text("delivered_at IS NULL"),
    )


def _create_view() -> None:
    columns = ", ".join(f"{name}.points AS {name}_grade" for name in GRADERS)
    joins = " ".join(
        f"LEFT JOIN grades {name} ON {name}.run_id = s.run_id AND {name}.site_id = s.site_id"
        f" AND {name}.grader = '{name}'"
        for name in GRADERS
    )
    op.execute(f"CREATE VIEW graded_site_runs AS SELECT s.*, {columns} FROM site_runs s {joins}")
