import pytest

from services.scheduler.core.run_states import State, verdict


@pytest.mark.parametrize(
    ("sites", "stored", "state"),
    [
        (1000, 1000, State.GRADED),
        (1000, 920, State.GRADED),
        (1000, 919, State.BOTCHED),
        (1, 1, State.GRADED),
        (1, 0, State.BOTCHED),
        (1_000_000, 919_999, State.BOTCHED),
    ],
)
def test_a_run_is_botched_below_the_share_of_sites_with_a_site_run(
    sites: int, stored: int, state: State
) -> None:
    assert verdict(sites, stored, 0.92) is state
