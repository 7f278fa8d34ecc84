"""How the sites of a run are cut into batches, and where each batch goes."""

MAX_SIZE = 10_000
"""Sites. A batch of as many long names still fits a message."""
DEFAULT_SIZE = 100


def default_size(sites: int, partitions: int) -> int:
    """Small enough that every partition gets several batches, so that scanners share the work."""
    return max(1, min(DEFAULT_SIZE, sites // (4 * partitions)))


def count(sites: int, size: int) -> int:
    return -(-sites // size)


def partition_of(batch: int, partitions: int) -> int:
    return batch % partitions
