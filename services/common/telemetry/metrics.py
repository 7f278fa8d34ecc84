"""Every metric there is, with what it means. Labels are reasons and places, never domains."""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES_READ = Counter(
    "dnstats_messages_read_total", "Messages read from a topic.", ["group", "topic"]
)
MESSAGES_DELIVERED = Counter(
    "dnstats_messages_delivered_total", "Messages that the broker acknowledged.", ["topic"]
)
DELIVERY_FAILURES = Counter(
    "dnstats_delivery_failures_total",
    "Deliveries that failed; each is tried again.",
    ["topic", "reason"],
)
DEAD_LETTERS = Counter(
    "dnstats_dead_letters_total",
    "Messages that can never be processed, by the kind of fault.",
    ["service", "topic", "reason"],
)
BATCHES = Counter("dnstats_batches_total", "Batches of messages handled.", ["group"])
RETRIES = Counter(
    "dnstats_retries_total",
    "Attempts that failed and were made again: broken (broker, database) or unexpected.",
    ["group", "reason"],
)
LAG = Gauge(
    "dnstats_lag_messages",
    "Messages between the group's position and the end of the partition.",
    ["group", "topic", "partition"],
)
IN_FLIGHT = Gauge("dnstats_in_flight_messages", "Messages read and not finished.", ["group"])
IN_FLIGHT_BYTES = Gauge(
    "dnstats_in_flight_bytes", "Payload bytes of messages read and not finished.", ["group"]
)
OLDEST_UNCOMMITTED = Gauge(
    "dnstats_oldest_uncommitted_seconds",
    "Time since the oldest message was read that is not committed; 0 where there is none.",
    ["group"],
)
PARTITIONS = Gauge("dnstats_partitions_assigned", "Partitions this process has.", ["group"])
BROKEN = Gauge(
    "dnstats_broken", "1 while the group waits for the broker or the database.", ["group"]
)
LOOKUPS = Counter("dnstats_lookups_total", "Lookups by how they ended.", ["status", "transport"])
LOOKUPS_SHARED = Counter(
    "dnstats_lookups_shared_total",
    "Questions answered without a packet: kept (asked before) or joined (in flight).",
    ["how"],
)
SITES = Counter(
    "dnstats_sites_total",
    "Sites that left a service by what became of them: scanned, expired, closed, graded, withheld.",
    ["service", "outcome"],
)
ROWS = Counter("dnstats_rows_total", "Rows written, by table.", ["table"])
STAGE_SECONDS = Histogram(
    "dnstats_stage_seconds",
    "Duration of one stage of a batch: handle, deliver, commit.",
    ["group", "stage"],
    buckets=(0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
LEADING = Gauge("dnstats_leading", "1 while this scheduler leads.")
LETTERS_WAITING = Gauge(
    "dnstats_letters_waiting", "Mails and run events in the outbox that are not delivered."
)
