"""Plans, schedules and lists in the database."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, RowMapping

from services.common.store import outcomes, runs, sites
from services.scheduler.adapters.post import put
from services.scheduler.adapters.transaction import transaction
from services.scheduler.core import mails
from services.scheduler.core.estimate import QUESTIONS_PER_SITE, SHOWN, Estimate, estimate
from services.scheduler.core.letters import Letter
from services.scheduler.core.order import Order
from services.scheduler.core.ranked_list import ListInfo, Merge, RankedList
from services.scheduler.core.run import Run
from services.scheduler.core.run_states import State
from services.scheduler.handler.ports import OpenRunError

NORMAL = "normal"
"""The depth of a run: what every site is asked."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Questions a second, overall and to one operator."""

    overall: float
    operator: float


class StoredPlans:
    """The ports `Plans` and `Lists`."""

    def __init__(self, engine: Engine, rates: Rates) -> None:
        self._engine = engine
        self._rates = rates

    def plan(self, order: Order, scheduled_for: datetime | None, now: datetime) -> int:
        values = {
            "state": State.PLANNED,
            "scheduled_for": scheduled_for,
            "created_at": now,
            "secret": secrets.token_bytes(32),
            "depth": NORMAL,
            "top": order.top,
            "batch_size": order.batch_size,
        }
        with transaction(self._engine) as connection:
            try:
                return runs.create(connection, values, order.graders)
            except runs.OpenRunError as error:
                raise OpenRunError(str(error)) from error

    def count_sites(self, top: int) -> int:
        """Sites that a run over the `top` best ranks would have."""
        with transaction(self._engine) as connection:
            return sites.count(connection, top)

    def list_of(self, run: Run) -> ListInfo | None:
        with transaction(self._engine) as connection:
            row = sites.find_list(connection, run.list) if run.list else None
        return list_info(row) if row else None

    def last_list(self) -> ListInfo | None:
        with transaction(self._engine) as connection:
            row = sites.last_list(connection)
        return list_info(row) if row else None

    def estimate(self, count: int) -> Estimate:
        """For so many sites, by what the newest finished run met."""
        per_site, operators = float(QUESTIONS_PER_SITE), []
        with transaction(self._engine) as connection:
            last = runs.last_finished(connection, State.GRADED)
            if last is not None:
                per_site = outcomes.lookups_per_site(connection, last) or per_site
                scale = count / max(1, outcomes.stored(connection, last))
                operators = [
                    (name, round(number * scale))
                    for name, number in outcomes.operators(connection, last, SHOWN)
                ]
        return estimate(count, per_site, operators, self._rates.overall, self._rates.operator)

    def handled_until(self, job: str, now: datetime) -> datetime:
        with transaction(self._engine) as connection:
            return runs.handled_until(connection, job, now)

    def handle_until(self, job: str, until: datetime, letters: Iterable[Letter]) -> None:
        with transaction(self._engine) as connection:
            runs.handle_until(connection, job, until)
            put(connection, letters, until)

    def import_list(
        self,
        info: ListInfo,
        read: RankedList,
        lines: Iterable[bytes],
        check: Callable[[int, int], None],
        now: datetime,
    ) -> Merge:
        with transaction(self._engine) as connection:
            staged = sites.stage(connection, read.sites(lines))
            before = sites.last_list(connection)
            check(staged, before["sites"] if before else 0)
            merge = _merge(connection, info, read, before, now)
            put(connection, [mails.list_changed(info, merge, read)], now)
            return merge


def list_info(row: RowMapping) -> ListInfo:
    return ListInfo(row["source"], row["list_id"], row["list_date"], bytes(row["sha256"]))


def _merge(
    connection: Connection,
    info: ListInfo,
    read: RankedList,
    before: RowMapping | None,
    now: datetime,
) -> Merge:
    counts = {"sites": read.good, "bad": read.bad.total(), "imported_at": now}
    row = sites.merge(connection, asdict(info) | counts)
    return Merge(
        number=row["id"],
        sites=read.good,
        before=before["sites"] if before else 0,
        new=row["new"],
        reranked=row["reranked"],
        dropped=row["dropped"],
    )
