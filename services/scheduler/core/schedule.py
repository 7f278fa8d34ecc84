"""When something that cron starts is due, and when it was missed. Times are UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from cronsim import CronSim, CronSimError

GRACE = timedelta(hours=1)
"""A start missed by less is caught up."""
_MOST_TICKS = 10_000


class BadScheduleError(ValueError):
    """It is no cron expression; the text says why."""


@dataclass(frozen=True, slots=True)
class Due:
    """`start` is the tick to start now, `missed` those that are too old to be caught up."""

    start: datetime | None
    missed: tuple[datetime, ...]


def check(expression: str) -> str:
    """`expression` itself, if it is empty (never) or a cron expression. Raises BadScheduleError."""
    if expression:
        try:
            next(CronSim(expression, datetime(2000, 1, 1)))
        except (CronSimError, StopIteration) as error:
            raise BadScheduleError(f"{expression!r} is no cron expression: {error}") from error
    return expression


def due(expression: str, handled: datetime, now: datetime) -> Due:
    """What happened since `handled`, up to which every tick was dealt with.

    Of several ticks only the last can be started: the others count as missed.
    """
    ticks = list(_ticks(expression, handled, now))
    if not ticks:
        return Due(None, ())
    if now - ticks[-1] < GRACE:
        return Due(ticks[-1], tuple(ticks[:-1]))
    return Due(None, tuple(ticks))


def following(expression: str, now: datetime) -> datetime | None:
    """The next tick after `now`; None if there is none."""
    return next(CronSim(expression, now), None) if expression else None


def _ticks(expression: str, after: datetime, until: datetime) -> Iterator[datetime]:
    if not expression:
        return
    for tick in islice(CronSim(expression, after), _MOST_TICKS):
        if tick > until:
            return
        yield tick
