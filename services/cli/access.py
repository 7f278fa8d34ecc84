"""What the commands about lists and runs work on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError

from services.cli.fail import fail
from services.common.config import load
from services.common.messages.envelope import BrokenError, InvalidError
from services.common.store import database
from services.common.stream.broker import Broker
from services.scheduler.adapters.plans import Rates, StoredPlans
from services.scheduler.adapters.runs import StoredRuns
from services.scheduler.adapters.topics import BrokerTopics
from services.scheduler.core.order import BadOrderError
from services.scheduler.core.run import Run
from services.scheduler.handler.ports import ListError, OpenRunError
from services.scheduler.settings import Settings


class NoSuchRunError(ValueError):
    """There is no run of that number, or none at all."""


@dataclass(frozen=True, slots=True)
class Access:
    settings: Settings
    engine: Engine
    runs: StoredRuns
    plans: StoredPlans

    @property
    def broker(self) -> Broker:
        return Broker(self.settings.kafka, self.settings.topic_prefix)

    @property
    def topics(self) -> BrokerTopics:
        return BrokerTopics(self.broker)

    def run(self, number: int | None) -> Run:
        """The run of that number, or the newest. Raises NoSuchRunError."""
        if number is None:
            newest = self.runs.newest(1)
            if not newest:
                raise NoSuchRunError("there are no runs yet")
            return newest[0]
        found = self.runs.load(number)
        if found is None:
            raise NoSuchRunError(f"there is no run {number}")
        return found


@contextmanager
def access() -> Iterator[Access]:
    """The database as the settings name it. What goes wrong inside ends the command with one line:
    status 2 for bad input, 1 for work that failed."""
    settings = load(Settings)
    try:
        engine = database.engine(settings.database)
    except database.BadAddressError as error:
        fail(f"DNSTATS_DATABASE: {error}", 2)
    rates = Rates(settings.overall_rate, settings.operator_rate)
    try:
        yield Access(settings, engine, StoredRuns(engine, now), StoredPlans(engine, rates))
    except (BadOrderError, NoSuchRunError, ListError) as error:
        fail(str(error), 2)
    except (OpenRunError, BrokenError, InvalidError) as error:
        fail(str(error), 1)
    except ProgrammingError:
        fail("the database has no tables of this release: dnstats database migrate", 1)
    finally:
        engine.dispose()


def now() -> datetime:
    return datetime.now(UTC)
