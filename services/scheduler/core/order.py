"""What somebody wants of a run, before anything is fixed."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.common.messages.grade_request import SECTIONS
from services.scheduler.core.batches import MAX_SIZE

MAX_SITES = 1_000_000


class BadOrderError(ValueError):
    """The run asked for is impossible; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Order:
    top: int
    """Sites with a rank up to the top-th best of the list."""
    batch_size: int | None
    """None: by the number of sites and partitions."""
    graders: tuple[str, ...]
    """Those that the run waits for."""


def order(
    top: int | None, batch_size: int | None, graders: Sequence[str], development_top: int | None
) -> Order:
    """A checked order. `development_top` limits it, unless `top` asks for less.

    Raises BadOrderError.
    """
    limit = min(MAX_SITES, development_top or MAX_SITES)
    wanted = limit if top is None else top
    if wanted < 1:
        raise BadOrderError(f"a run over the top {wanted} sites would scan nothing")
    if batch_size is not None and not 1 <= batch_size <= MAX_SIZE:
        raise BadOrderError(f"a batch of {batch_size} sites: from 1 to {MAX_SIZE} are possible")
    return Order(min(wanted, limit), batch_size, _graders(graders))


def _graders(names: Sequence[str]) -> tuple[str, ...]:
    unknown = sorted(set(names) - set(SECTIONS))
    if unknown:
        known = ", ".join(SECTIONS)
        raise BadOrderError(f"no grader is called {', '.join(unknown)}; there are {known}")
    if not names:
        raise BadOrderError("a run needs at least one grader to wait for")
    return tuple(name for name in SECTIONS if name in names)
