"""A wrong clock for processes that tests start, whatever way their code asks for the time."""

import datetime
import os
import time
from typing import Any

SHIFT = "TEST_CLOCK_SHIFT"
"""Variable with the seconds by which the clock of a process is ahead (negative: behind)."""

_datetime = datetime.datetime


def shift() -> None:
    """For the rest of this process, if `SHIFT` says so. Monotonic clocks stay."""
    if seconds := int(os.environ.get(SHIFT, "0")):
        _shift(seconds)


def _shift(seconds: int) -> None:
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() + seconds
    time.time_ns = lambda: now_ns() + seconds * 1_000_000_000
    by = datetime.timedelta(seconds=seconds)

    class Shifted(_datetime, metaclass=_Any):
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return _datetime(*args, **kwargs)

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return _datetime.now(tz) + by

        @classmethod
        def utcnow(cls) -> Any:
            return _datetime.now(datetime.UTC).replace(tzinfo=None) + by

        @classmethod
        def today(cls) -> Any:
            return cls.now()

    datetime.datetime = Shifted  # type: ignore[misc]


class _Any(type):
    """Every real datetime is one of the shifted class: it only differs in telling the time."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _datetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _datetime)
