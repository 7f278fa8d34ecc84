"""The states of a run and the ways between them."""

from enum import StrEnum


class State(StrEnum):
    PLANNED = "planned"
    """Somebody or the schedule wants it; nothing is fixed yet."""
    PUBLISHING = "publishing"
    """Its sites, graders and windows are fixed; batches are going out."""
    QUEUED = "queued"
    """All batches are out."""
    SCANNED = "scanned"
    """Every batch is scanned; processor and graders are still at work."""
    GRADED = "graded"
    """Every grader is done: finished."""
    BOTCHED = "botched"
    """Done, but too few of its sites have a SiteRun to be published."""
    INCOMPLETE = "incomplete"
    """Closed at its deadline before it was done."""
    CANCELLED = "cancelled"


CLOSED = frozenset({State.GRADED, State.BOTCHED, State.INCOMPLETE, State.CANCELLED})


def verdict(sites: int, stored: int, threshold: float) -> State:
    """How a run ends whose barriers are all passed. `threshold` is a share from 0 to 1."""
    return State.GRADED if stored >= sites * threshold else State.BOTCHED
