"""The grade requests of a run: those that it made itself, and those of every reprocess."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from services.common.messages.topics import GRADE_REQUESTS
from services.common.messages.window import Offsets, Window
from services.common.store.tables import generations, run_windows, runs


class NoWindowError(Exception):
    """A run left nothing in a topic, or nobody knows yet how much; the text says which."""


class OvertakenError(Exception):
    """A later generation of the run was begun: this one can never be completed."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """What makes one generation another one than the last."""

    source: str
    """Topic or archive."""
    processor_version: int
    reference_version: int
    reference_name: str


@dataclass(frozen=True, slots=True)
class Generation:
    """One derivation of a run; number 0 is the run itself and never one of these."""

    run_id: int
    number: int
    derivation: Derivation
    window: Window
    """Of its grade requests; it ends where it starts until the generation is complete."""
    created_at: datetime
    completed_at: datetime | None

    @property
    def replay(self) -> str:
        """Its name, as consumer group and in the tables of replays."""
        return f"reprocess-{self.run_id}-{self.number}"


def run_window(connection: Connection, run_id: int, topic: str) -> Window:
    """What a run left in a topic. Raises NoWindowError."""
    found = connection.execute(
        select(run_windows)
        .where(run_windows.c.run_id == run_id, run_windows.c.topic == topic)
        .order_by(run_windows.c.partition)
    ).all()
    if not found:
        raise NoWindowError(f"run {run_id} never came as far as {topic}")
    if any(row.end_offset is None for row in found):
        raise NoWindowError(f"run {run_id} has no known end in {topic} (yet)")
    return Window(
        topic,
        {row.partition: row.start_offset for row in found},
        {row.partition: row.end_offset for row in found},
    )


def newest_window(connection: Connection, run_id: int) -> tuple[int, Window]:
    """The newest complete generation of a run's grade requests: its number and where they are.
    Raises NoWindowError."""
    for generation in reversed(of_run(connection, run_id)):
        if generation.completed_at:
            return generation.number, generation.window
    return 0, run_window(connection, run_id, GRADE_REQUESTS)


def window_of(connection: Connection, run_id: int, number: int) -> Window:
    """The grade requests of one generation. Raises NoWindowError."""
    if number == 0:
        return run_window(connection, run_id, GRADE_REQUESTS)
    generation = load(connection, run_id, number)
    if generation is None or generation.completed_at is None:
        raise NoWindowError(f"run {run_id} has no complete generation {number}")
    return generation.window


def of_run(connection: Connection, run_id: int) -> list[Generation]:
    """Oldest first. One that is not complete and not the last was abandoned."""
    wanted = select(generations).where(generations.c.run_id == run_id)
    rows = connection.execute(wanted.order_by(generations.c.generation)).mappings()
    return [_generation(row) for row in rows]


def load(connection: Connection, run_id: int, number: int) -> Generation | None:
    found = connection.execute(select(generations).where(_is(run_id, number))).mappings()
    row = found.one_or_none()
    return _generation(row) if row else None


def unfinished(connection: Connection, run_id: int) -> Generation | None:
    """The last generation of a run, if it is not complete."""
    last = of_run(connection, run_id)[-1:]
    return next((one for one in last if one.completed_at is None), None)


def begin(
    connection: Connection, run_id: int, derivation: Derivation, starts: Offsets, at: datetime
) -> Generation:
    """Begin a generation whose grade requests come after `starts`, or join the unfinished one of
    the same derivation; one of another derivation is abandoned. Of several that begin at once one
    does, the others join."""
    connection.execute(select(runs.c.id).where(runs.c.id == run_id).with_for_update())
    known = unfinished(connection, run_id)
    if known and known.derivation == derivation:
        return known
    last = select(func.coalesce(func.max(generations.c.generation), 0))
    number = 1 + connection.execute(last.where(generations.c.run_id == run_id)).scalar_one()
    values = {
        "run_id": run_id,
        "generation": number,
        "source": derivation.source,
        "processor_version": derivation.processor_version,
        "reference_version": derivation.reference_version,
        "reference_name": derivation.reference_name,
        "starts": _stored(starts),
        "created_at": at,
    }
    connection.execute(insert(generations).values(values))
    return Generation(run_id, number, derivation, _window(starts, starts), at, None)


def complete(
    connection: Connection, generation: Generation, ends: Offsets, at: datetime
) -> Generation:
    """Note that all its grade requests are delivered before `ends`. One that others completed
    meanwhile stays as it is. Raises OvertakenError."""
    key = _is(generation.run_id, generation.number)
    connection.execute(select(runs.c.id).where(runs.c.id == generation.run_id).with_for_update())
    last = unfinished(connection, generation.run_id)
    if last and last.number == generation.number:
        values = {"ends": _stored(ends), "completed_at": at}
        connection.execute(update(generations).where(key).values(values))
    found = load(connection, generation.run_id, generation.number)
    if found is None or found.completed_at is None:
        raise OvertakenError(f"{generation.replay} was overtaken by a later one")
    return found


def _is(run_id: int, number: int) -> Any:
    return (generations.c.run_id == run_id) & (generations.c.generation == number)


def _generation(row: RowMapping) -> Generation:
    starts = _read(row["starts"])
    return Generation(
        row["run_id"],
        row["generation"],
        Derivation(
            row["source"],
            row["processor_version"],
            row["reference_version"],
            row["reference_name"],
        ),
        _window(starts, _read(row["ends"]) if row["ends"] else starts),
        row["created_at"],
        row["completed_at"],
    )


def _window(starts: Offsets, ends: Offsets) -> Window:
    """Partitions that the topic was given later are read from their beginning."""
    return Window(GRADE_REQUESTS, {part: starts.get(part, 0) for part in ends}, ends)


def _stored(offsets: Offsets) -> dict[str, int]:
    return {str(part): offset for part, offset in offsets.items()}


def _read(stored: Mapping[str, int]) -> dict[int, int]:
    return {int(part): offset for part, offset in stored.items()}
