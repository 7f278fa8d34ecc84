"""What a run needs that is not running."""

from collections.abc import Iterable

from sqlalchemy import Engine

from services.scheduler.adapters.leader import led
from services.scheduler.core.barriers import groups
from services.scheduler.handler.ports import Topics

SCHEDULER = "scheduler"


def missing(engine: Engine, topics: Topics, graders: Iterable[str]) -> list[str]:
    """Of the scheduler and the groups that a run with these graders waits for, those that nobody
    runs. Raises BrokenError."""
    nobody = [] if led(engine) else [SCHEDULER]
    return nobody + topics.absent(groups(graders))
