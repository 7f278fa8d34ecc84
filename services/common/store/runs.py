"""Runs, the sites that they fixed, and their windows."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from services.common.store.faults import translated
from services.common.store.tables import (
    run_graders,
    run_sites,
    run_windows,
    runs,
    schedules,
)

Offsets = Mapping[int, int]
Sites = list[tuple[int, str, int]]
"""Id, domain and rank of each."""


class OpenRunError(Exception):
    """There can be one open run only; the text names it."""


_FIX_SITES = text("""
    INSERT INTO run_sites (run_id, site_id, domain, rank, batch)
    SELECT :run, id, domain, current_rank,
           (row_number() OVER (ORDER BY md5(:run || ' ' || domain)) - 1) / :size
    FROM (
        SELECT id, domain, current_rank FROM sites
        WHERE current_rank > 0 ORDER BY current_rank, id LIMIT :top
    ) chosen
""")


def create(connection: Connection, values: Mapping[str, Any], graders: Iterable[str]) -> int:
    """Plan a run; one that is scheduled for the same time is that run. Raises OpenRunError where
    another one is open."""
    if values["scheduled_for"] is not None:
        same = select(runs.c.id).where(runs.c.scheduled_for == values["scheduled_for"])
        if (number := connection.execute(same).scalar_one_or_none()) is not None:
            return int(number)
    made = upsert(runs).values(dict(values)).on_conflict_do_nothing().returning(runs.c.id)
    number = connection.execute(made).scalar_one_or_none()
    if number is None:
        raise OpenRunError("another run is still open")
    rows = [{"run_id": number, "grader": grader} for grader in graders]
    connection.execute(insert(run_graders), rows)
    return int(number)


def load(connection: Connection, number: int, *, lock: bool = False) -> dict[str, Any] | None:
    """The columns of a run, with its `graders` (names) and its `starts` and `ends`: offsets by
    partition, by topic; an end that is not known yet is left out. With `lock` it stays as it is
    until the transaction ends."""
    wanted = select(runs).where(runs.c.id == number)
    if lock:
        wanted = wanted.with_for_update()
    row = connection.execute(wanted).mappings().one_or_none()
    return None if row is None else _with_parts(connection, row)


def find_open(connection: Connection) -> dict[str, Any] | None:
    """The open run, as `load` gives it."""
    row = connection.execute(select(runs).where(runs.c.finished_at.is_(None))).mappings()
    found = row.one_or_none()
    return None if found is None else _with_parts(connection, found)


def starts_of_open(engine: Engine, topic: str) -> Offsets:
    """Where the open run begins in a topic, by partition; empty where no run is open. Raises
    BrokenError."""
    with translated(), engine.connect() as connection:
        run = find_open(connection)
    return run["starts"].get(topic, {}) if run else {}


def unsealed(connection: Connection) -> list[int]:
    """Closed runs that began, of which an end of the window is not stored."""
    missing = (
        select(run_windows.c.run_id)
        .join(runs, runs.c.id == run_windows.c.run_id)
        .where(runs.c.finished_at.is_not(None), run_windows.c.end_offset.is_(None))
        .distinct()
    )
    return list(connection.execute(missing).scalars())


def newest(connection: Connection, limit: int) -> list[int]:
    return list(
        connection.execute(select(runs.c.id).order_by(runs.c.id.desc()).limit(limit)).scalars()
    )


def last_finished(connection: Connection, state: str) -> int | None:
    """The newest run that ended in `state`."""
    ended = select(runs.c.id).where(runs.c.state == state).order_by(runs.c.id.desc()).limit(1)
    return connection.execute(ended).scalar_one_or_none()


def change(connection: Connection, number: int, state: str, values: Mapping[str, Any]) -> bool:
    """Set columns of a run that is in `state`; False where it is in another one by now. Raises
    OpenRunError where it would be open beside another."""
    wanted = update(runs).where(runs.c.id == number, runs.c.state == state).values(dict(values))
    try:
        return connection.execute(wanted).rowcount == 1
    except IntegrityError as error:
        raise OpenRunError("another run is still open") from error


def fix_sites(connection: Connection, number: int, top: int, size: int) -> int:
    """Fix the sites of a run, shuffled and cut into batches of `size`; returns how many there
    are. The order depends on run and domain alone."""
    given = {"run": number, "top": top, "size": size}
    fixed = connection.execute(_FIX_SITES, given).rowcount
    connection.execute(text("ANALYZE run_sites"))
    return fixed


def batches(connection: Connection, number: int, first: int, count: int) -> list[tuple[int, Sites]]:
    """Batches `first` to `first + count - 1` with their sites, best rank first."""
    wanted = (
        select(run_sites.c.batch, run_sites.c.site_id, run_sites.c.domain, run_sites.c.rank)
        .where(run_sites.c.run_id == number, run_sites.c.batch.between(first, first + count - 1))
        .order_by(run_sites.c.batch, run_sites.c.rank, run_sites.c.site_id)
    )
    rows = connection.execute(wanted).all()
    return [
        (batch, [(site, domain, rank) for _, site, domain, rank in members])
        for batch, members in groupby(rows, key=lambda row: row.batch)
    ]


def open_window(connection: Connection, number: int, topic: str, starts: Offsets) -> None:
    rows = [
        {"run_id": number, "topic": topic, "partition": partition, "start_offset": offset}
        for partition, offset in starts.items()
    ]
    connection.execute(insert(run_windows), rows)


def close_window(connection: Connection, number: int, topic: str, ends: Offsets) -> None:
    """Store the ends. Partitions that the topic did not have at the start are left out."""
    for partition, offset in ends.items():
        connection.execute(
            update(run_windows)
            .where(
                run_windows.c.run_id == number,
                run_windows.c.topic == topic,
                run_windows.c.partition == partition,
            )
            .values(end_offset=offset)
        )


def forget_end(connection: Connection, number: int, topic: str) -> None:
    """The window of the run in that topic has no end any more."""
    window = (run_windows.c.run_id == number) & (run_windows.c.topic == topic)
    connection.execute(update(run_windows).where(window).values(end_offset=None))


def handled_until(connection: Connection, job: str, now: datetime) -> datetime:
    """Up to when the schedule of a job was dealt with; it begins `now`."""
    connection.execute(
        upsert(schedules).values(job=job, handled_until=now).on_conflict_do_nothing()
    )
    found = select(schedules.c.handled_until).where(schedules.c.job == job)
    until: datetime = connection.execute(found).scalar_one()
    return until


def handle_until(connection: Connection, job: str, until: datetime) -> None:
    connection.execute(update(schedules).where(schedules.c.job == job).values(handled_until=until))


def _with_parts(connection: Connection, row: RowMapping) -> dict[str, Any]:
    number = row["id"]
    of_run = select(run_graders.c.grader).where(run_graders.c.run_id == number)
    found = connection.execute(select(run_windows).where(run_windows.c.run_id == number))
    starts: dict[str, dict[int, int]] = {}
    ends: dict[str, dict[int, int]] = {}
    for window in found.all():
        starts.setdefault(window.topic, {})[window.partition] = window.start_offset
        if window.end_offset is not None:
            ends.setdefault(window.topic, {})[window.partition] = window.end_offset
    graders = tuple(connection.execute(of_run.order_by(run_graders.c.grader)).scalars())
    return dict(row) | {"graders": graders, "starts": starts, "ends": ends}
