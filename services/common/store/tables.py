"""Every table, as data. The migrations make them; `docs/store.md` says who writes what.

Tables that receive rows for every site of a run carry no foreign keys: a trigger per row would
cost more than the row. What they refer to is checked where the row is made.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

TIME = DateTime(timezone=True)
SCAN = Uuid(as_uuid=False)

lists = Table(
    "lists",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Text, nullable=False, doc="File or URL that was imported"),
    Column("list_id", Text, doc="The publisher's own name of this list"),
    Column("list_date", Date),
    Column("sha256", LargeBinary, nullable=False),
    Column("sites", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("reranked", Integer, nullable=False),
    Column("dropped", Integer, nullable=False),
    Column("bad", Integer, nullable=False),
    Column("imported_at", TIME, nullable=False),
)

sites = Table(
    "sites",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("domain", Text, nullable=False, unique=True),
    Column("current_rank", BigInteger, nullable=False, server_default=text("0")),
    Column("first_list", BigInteger, doc="The list that brought it"),
    Index("sites_current_rank_idx", "current_rank", postgresql_where=text("current_rank > 0")),
)

runs = Table(
    "runs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("state", Text, nullable=False),
    Column("list", BigInteger, ForeignKey("lists.id")),
    Column("scheduled_for", TIME, unique=True, doc="NULL: started by hand"),
    Column("created_at", TIME, nullable=False),
    Column("started_at", TIME),
    Column("queued_at", TIME),
    Column("scanned_at", TIME),
    Column("processed_at", TIME),
    Column("finished_at", TIME, doc="Set when the run closes, whatever way; NULL: open"),
    Column("deadline", TIME),
    Column("secret", LargeBinary, nullable=False),
    Column("depth", Text, nullable=False),
    Column("top", Integer, nullable=False, doc="So many sites of the list, best rank first"),
    Column("batch_size", Integer, doc="This and the next two: NULL until the sites are fixed"),
    Column("batches", Integer),
    Column("sites", Integer),
    Column("published_batches", Integer, nullable=False, server_default=text("0")),
    Column("note", Text, nullable=False, server_default=text("''"), doc="Why it closed early"),
    Column("archived_at", TIME, doc="Its scan results were written to an archive"),
    Column("counts", JSONB, doc="What became of its sites; set when pruning begins"),
    Column("pruned_at", TIME, doc="Its rows in the big tables were removed"),
    Index(
        "runs_one_open_idx",
        text("(finished_at IS NULL)"),
        unique=True,
        postgresql_where=text("finished_at IS NULL"),
    ),
)

run_windows = Table(
    "run_windows",
    metadata,
    Column("run_id", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("start_offset", BigInteger, nullable=False),
    Column("end_offset", BigInteger, doc="NULL until it is known"),
    PrimaryKeyConstraint("run_id", "topic", "partition"),
)

run_graders = Table(
    "run_graders",
    metadata,
    Column("run_id", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("grader", Text, nullable=False),
    PrimaryKeyConstraint("run_id", "grader"),
)

run_sites = Table(
    "run_sites",
    metadata,
    Column("run_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("domain", Text, nullable=False),
    Column("rank", BigInteger, nullable=False),
    Column("batch", Integer, nullable=False),
    PrimaryKeyConstraint("run_id", "site_id"),
    Index("run_sites_run_id_batch_idx", "run_id", "batch"),
)

failures = Table(
    "failures",
    metadata,
    Column("run_id", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("stage", Text, nullable=False, doc="The group that passed its barrier without a row"),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("run_id", "site_id", "stage"),
)

generations = Table(
    "generations",
    metadata,
    Column("run_id", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("generation", Integer, nullable=False, doc="From 1; 0 is what the run itself made"),
    Column("source", Text, nullable=False, doc="Topic or archive that was reprocessed"),
    Column("processor_version", Integer, nullable=False),
    Column("reference_version", Integer, nullable=False),
    Column("reference_name", Text, nullable=False),
    Column("starts", JSONB, nullable=False, doc="Of grade-requests, by partition"),
    Column("ends", JSONB, doc="This and the next: NULL until it is complete"),
    Column("completed_at", TIME),
    Column("created_at", TIME, nullable=False),
    PrimaryKeyConstraint("run_id", "generation"),
)

regrades = Table(
    "regrades",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("run_id", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("generation", Integer, nullable=False, doc="The grade requests that it reads"),
    Column("versions", JSONB, nullable=False, doc="Grader to version"),
    Column("reference_version", Integer, nullable=False),
    Column("shadow", Boolean, nullable=False, doc="Only says what would change"),
    Column("force", Boolean, nullable=False, doc="Older versions may replace newer ones"),
    Column("created_at", TIME, nullable=False),
    Column("finished_at", TIME),
)

grade_changes = Table(
    "grade_changes",
    metadata,
    Column("regrade_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("grader", Text, nullable=False),
    Column("old_points", SmallInteger, doc="The old_ columns are NULL where no grade was"),
    Column("old_letter", Text),
    Column("old_undetermined", Boolean),
    Column("old_applicable", Boolean),
    Column("old_version", Integer),
    Column("old_reference_version", Integer),
    Column("old_hash", LargeBinary),
    Column("new_points", SmallInteger),
    Column("new_letter", Text),
    Column("new_undetermined", Boolean, nullable=False),
    Column("new_applicable", Boolean, nullable=False),
    Column("new_version", Integer, nullable=False),
    Column("new_reference_version", Integer, nullable=False),
    Column("new_hash", LargeBinary, nullable=False),
    Column("gained", JSONB, nullable=False, doc="Remark tags, one for each remark"),
    Column("lost", JSONB, nullable=False),
    Column("reworded", JSONB, nullable=False, doc="Tags that stay with other arguments"),
    Column("causes", JSONB, nullable=False, doc="Of: evidence, grader, reference, time"),
    PrimaryKeyConstraint("regrade_id", "site_id", "grader"),
)

replay_failures = Table(
    "replay_failures",
    metadata,
    Column("replay", Text, nullable=False, doc="regrade-<id> or reprocess-<run>-<generation>"),
    Column("stage", Text, nullable=False, doc="processor, grader-spf …"),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("domain", Text, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("replay", "stage", "partition", "offset"),
)

replay_positions = Table(
    "replay_positions",
    metadata,
    Column("replay", Text, nullable=False, doc="One that reads an archive, not a topic"),
    Column("partition", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    PrimaryKeyConstraint("replay", "partition"),
)

handled_letters = Table(
    "handled_letters",
    metadata,
    Column("topic", Text, nullable=False, doc="The dead-letter topic"),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("handled_at", TIME, nullable=False),
    PrimaryKeyConstraint("topic", "partition", "offset"),
    CheckConstraint("action IN ('requeued', 'dropped')", name="action"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("job", Text, primary_key=True),
    Column("handled_until", TIME, nullable=False, doc="Every start before was dealt with"),
)

site_runs = Table(
    "site_runs",
    metadata,
    Column("run_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("domain", Text, nullable=False),
    Column("rank", BigInteger, nullable=False, doc="When the run was made"),
    Column("scan_id", SCAN, nullable=False),
    Column("started_at", TIME, nullable=False),
    Column("finished_at", TIME, nullable=False),
    Column("scanner_version", Text, nullable=False),
    Column("vantage", Text, nullable=False),
    Column("processor_version", Integer, nullable=False),
    Column("reference_version", Integer, nullable=False),
    Column("reference_name", Text, nullable=False),
    Column("source_topic", Text, nullable=False),
    Column("source_partition", Integer, nullable=False),
    Column("source_offset", BigInteger, nullable=False),
    Column("status", Text, nullable=False, doc="Lookup status of the site's own SOA"),
    Column("zone", Text, doc="Apex of the enclosing zone"),
    Column("lookups", JSONB, nullable=False, doc="Count of lookups by status"),
    Column("undetermined", JSONB, nullable=False, doc="What could not be observed"),
    Column("capped", JSONB, nullable=False, doc="Caps that were met"),
    Column("a_records", JSONB, doc="This and the next: NULL not observed, [] proven absent"),
    Column("aaaa_records", JSONB),
    Column("mx_records", JSONB),
    Column("txt_records", JSONB),
    Column("caa_records", JSONB),
    Column("ns_records", JSONB),
    Column("soa_records", JSONB),
    Column("ds_records", JSONB),
    Column("dnskey_records", JSONB),
    Column("dmarc_records", JSONB),
    Column("bimi_records", JSONB),
    Column("ns_ip_addresses", JSONB, doc="Name server to its addresses"),
    Column("ns_server_ns_results", JSONB, doc="Name server to the NS set that it gives"),
    Column("has_mx", Boolean, doc="This and the next: NULL not observed"),
    Column("has_spf", Boolean),
    Column("spf_policy", Text),
    Column("has_dmarc", Boolean),
    Column("dmarc_policy", Text),
    Column("dmarc_sub_policy", Text),
    Column("has_dmarc_aggregate_reporting", Boolean),
    Column("has_dmarc_forensic_reporting", Boolean),
    Column("has_caa", Boolean),
    Column("has_caa_reporting", Boolean),
    Column("caa_issue_count", Integer),
    Column("caa_wildcard_count", Integer),
    Column("email_provider", Text),
    Column("dns_provider", Text),
    Column("dnssec_ds_algorithm", SmallInteger, doc="The strongest; -1: none"),
    Column("dnssec_digest_type", SmallInteger, doc="The strongest; -1: none"),
    Column("dnssec_dnskey_algorithm", SmallInteger, doc="The strongest; -1: none"),
    Column("has_msdc", Boolean, doc="NULL also where a wildcard answers for every name"),
    Column("has_bimi", Boolean),
    Column("has_securitytxt", Boolean, doc="Not collected: it takes HTTP"),
    PrimaryKeyConstraint("site_id", "run_id"),
    postgresql_partition_by="LIST (run_id)",
)

grades = Table(
    "grades",
    metadata,
    Column("run_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("grader", Text, nullable=False),
    Column("points", SmallInteger, doc="0 to 100; NULL: withheld, or not applicable"),
    Column("letter", Text),
    Column("undetermined", Boolean, nullable=False),
    Column("applicable", Boolean, nullable=False),
    Column("grader_version", Integer, nullable=False),
    Column("reference_version", Integer, nullable=False),
    Column("reference_name", Text, nullable=False),
    Column("evidence_hash", LargeBinary, nullable=False),
    Column("scan_id", SCAN, nullable=False),
    Column("finished_at", TIME, nullable=False, doc="End of the scan that it judges"),
    Column("processor_version", Integer, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("remarks_cut", Integer, nullable=False, doc="Remarks beyond the 50 that are kept"),
    Column("graded_at", TIME, nullable=False),
    PrimaryKeyConstraint("site_id", "grader", "run_id"),
    CheckConstraint("points BETWEEN 0 AND 100", name="points"),
    postgresql_partition_by="LIST (run_id)",
)

remarks = Table(
    "remarks",
    metadata,
    Column("run_id", BigInteger, nullable=False),
    Column("site_id", BigInteger, nullable=False),
    Column("grader", Text, nullable=False),
    Column("ordinal", SmallInteger, nullable=False),
    Column("tag", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("args", JSONB, nullable=False),
    Column("lookups", JSONB, nullable=False, doc="[name, type, server, status] of each"),
    PrimaryKeyConstraint("site_id", "grader", "ordinal", "run_id"),
    Index("remarks_tag_idx", "tag"),
    postgresql_partition_by="LIST (run_id)",
)

remark_kinds = Table(
    "remark_kinds",
    metadata,
    Column("tag", Text, primary_key=True),
    Column("grader", Text, nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("level", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("means", Text, nullable=False),
    Column("mend", Text, nullable=False),
    Column("retired", Text, nullable=False, doc="Why no wire data can reach it, or empty"),
    UniqueConstraint("grader", "number"),
)


def _policies(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("policy", Text, primary_key=True),
        Column("label", Text, nullable=False),
        Column("colour", Text, nullable=False),
    )


def _providers(name: str) -> Table:
    return Table(name, metadata, Column("name", Text, primary_key=True))


dmarc_policies = _policies("dmarc_policies")
spf_policies = _policies("spf_policies")
mail_providers = _providers("mail_providers")
dns_providers = _providers("dns_providers")

outbox = Table(
    "outbox",
    metadata,
    Column("id", SCAN, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("delivered_at", TIME),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_try_at", TIME, nullable=False),
    Column("error", Text, nullable=False, server_default=text("''")),
    CheckConstraint("kind IN ('mail', 'event')", name="kind"),
    Index("outbox_waiting_idx", "next_try_at", postgresql_where=text("delivered_at IS NULL")),
)

PARTITIONED = (site_runs, grades, remarks)
