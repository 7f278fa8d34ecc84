"""Every fault by its name, with how long it lasts in tests."""

from functools import partial

from tests.integration.faults import offsets
from tests.integration.faults.kinds import (
    Fault,
    both,
    broker,
    broker_full,
    database,
    database_full,
    hung,
    killed,
    slow,
    stopped,
    tables_full,
    zombies,
)

FAULTS = {
    "broker-stopped": Fault(partial(stopped, broker), 10),
    "broker-killed": Fault(partial(killed, broker), 10),
    "database-stopped": Fault(partial(stopped, database), 10),
    "database-killed": Fault(partial(killed, database), 10),
    "both-stopped": Fault(partial(stopped, both), 10),
    "both-killed": Fault(partial(killed, both), 10),
    "broker-hung": Fault(partial(hung, broker), 20),
    "database-hung": Fault(partial(hung, database), 20),
    "both-hung": Fault(partial(hung, both), 20),
    "broker-slow": Fault(partial(slow, broker), 10),
    "database-slow": Fault(partial(slow, database), 10),
    "both-slow": Fault(partial(slow, both), 10),
    "tables-full": Fault(tables_full, 8, needs_disks=True),
    "database-full": Fault(database_full, 8, needs_disks=True),
    "broker-full": Fault(broker_full, 8, needs_disks=True),
    "zombie-scanner": Fault(partial(zombies, ["scanner-1"]), 14),
    "zombie-processor": Fault(partial(zombies, ["processor-1"]), 14),
    "zombie-grader": Fault(partial(zombies, ["grader-spf"]), 14),
    "zombie-scheduler": Fault(partial(zombies, ["scheduler"]), 14),
    "zombies": Fault(partial(zombies, ["scanner-1", "processor-1", "grader-spf", "scheduler"]), 14),
    "offsets-deleted": Fault(offsets.deleted, 0, ends=offsets.SERVICES),
    "offsets-lost": Fault(offsets.lost, 0),
}
