import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.core.batches import DEFAULT_SIZE, count, default_size, partition_of


@pytest.mark.parametrize(
    ("sites", "partitions", "size"),
    [(1, 24, 1), (300, 24, 3), (2_000, 24, 20), (9_600, 24, 100), (1_000_000, 24, 100)],
)
def test_default_size(sites: int, partitions: int, size: int) -> None:
    assert default_size(sites, partitions) == size


@given(st.integers(0, 10**6), st.integers(1, 200))
def test_the_default_gives_every_partition_work_as_soon_as_there_is_enough(
    sites: int, partitions: int
) -> None:
    size = default_size(sites, partitions)
    assert 1 <= size <= DEFAULT_SIZE
    batches = count(sites, size)
    assert (batches - 1) * size < sites or batches == 0
    assert batches * size >= sites
    if sites >= 4 * partitions:
        assert {partition_of(batch, partitions) for batch in range(batches)} == set(
            range(partitions)
        )
