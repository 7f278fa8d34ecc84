"""Runs in the database."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import Connection, Engine

from services.common.messages.grade_request import SECTIONS
from services.common.messages.scan_request import BatchSite
from services.common.store import outcomes, partitions, runs, sites
from services.common.store.faults import translated
from services.scheduler.adapters.post import put
from services.scheduler.adapters.transaction import transaction
from services.scheduler.core import batches
from services.scheduler.core.barriers import Offsets, grader_group
from services.scheduler.core.letters import Letter
from services.scheduler.core.run import Outcome, Run
from services.scheduler.core.run_states import State
from services.scheduler.handler.ports import Change, Clock, OpenRunError


class Tell(Protocol):
    def __call__(self, event: str, **fields: object) -> None: ...


class StoredRuns:
    """The port `Runs`; the command line reads runs by it too. `tell` is called with what
    happened to a run, in words, and with fields: every page of batches, every change."""

    def __init__(
        self, engine: Engine, clock: Clock, tell: Tell = lambda event, **fields: None
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._tell = tell

    def find_open(self) -> Run | None:
        with transaction(self._engine) as connection:
            row = runs.find_open(connection)
        return run_of(row) if row else None

    def load(self, number: int) -> Run | None:
        with transaction(self._engine) as connection:
            return _load(connection, number)

    def newest(self, limit: int) -> list[Run]:
        with transaction(self._engine) as connection:
            found = [_load(connection, number) for number in runs.newest(connection, limit)]
        return [run for run in found if run]

    def fix_sites(self, run: Run, partition_count: int) -> Run:
        with translated():
            partitions.create(self._engine, run.id)
        with transaction(self._engine) as connection:
            if not run.sites:
                _fix(connection, run, partition_count)
            return run_of(runs.load(connection, run.id) or {})

    def batches(
        self, run: Run, first: int, count: int
    ) -> Sequence[tuple[int, tuple[BatchSite, ...]]]:
        with transaction(self._engine) as connection:
            found = runs.batches(connection, run.id, first, count)
        return [(number, tuple(map(BatchSite._make, members))) for number, members in found]

    def published(self, run: Run, count: int) -> bool:
        with transaction(self._engine) as connection:
            values = {"published_batches": count}
            publishing = runs.change(connection, run.id, State.PUBLISHING, values)
        self._tell("published", run=run.id, batches=count, of=run.batches)
        return publishing

    def change(
        self, run: Run, change: Change, letters: Callable[[Run], Iterable[Letter]] = lambda _: ()
    ) -> Run | None:
        with transaction(self._engine) as connection:
            if not _as_it_was(connection, run):
                return None
            values: dict[str, Any] = {"state": change.state, **change.times}
            if change.note:
                values["note"] = change.note
            _change(connection, run, values)
            for topic, starts in change.starts.items():
                runs.open_window(connection, run.id, topic, starts)
            for topic in change.forgotten:
                runs.forget_end(connection, run.id, topic)
            for topic, ends in change.ends.items():
                runs.close_window(connection, run.id, topic, ends)
            changed = run_of(runs.load(connection, run.id) or {})
            put(connection, letters(changed), self._clock())
        self._tell("run moved", run=run.id, state=changed.state, note=changed.note)
        return changed

    def fail_sites(
        self, run: Run, known: Mapping[str, Mapping[str, str]], stage: str, otherwise: str
    ) -> None:
        with transaction(self._engine) as connection:
            outcomes.forget_sites(connection, run.id)
            for service, reasons in known.items():
                outcomes.fail_sites(connection, run.id, service, reasons)
            outcomes.fail_sites(connection, run.id, stage, {}, otherwise)

    def fail_grades(
        self, run: Run, grader: str, reasons: Mapping[str, str], otherwise: str
    ) -> None:
        with transaction(self._engine) as connection:
            stage = grader_group(grader)
            outcomes.forget_grades(connection, run.id, stage)
            outcomes.fail_grades(connection, run.id, grader, stage, reasons, otherwise)

    def outcome(self, run: Run) -> Outcome:
        with transaction(self._engine) as connection:
            return outcome_of(connection, run)

    def unsealed(self) -> Sequence[Run]:
        with transaction(self._engine) as connection:
            found = [_load(connection, number) for number in runs.unsealed(connection)]
        return [run for run in found if run]

    def seal(self, run: Run, ends: Mapping[str, Offsets]) -> None:
        with transaction(self._engine) as connection:
            if not _as_it_was(connection, run):
                return
            for topic, offsets in ends.items():
                missing = run.starts[topic].keys() - run.ends.get(topic, {}).keys()
                new = {part: offset for part, offset in offsets.items() if part in missing}
                runs.close_window(connection, run.id, topic, new)


def run_of(row: Mapping[str, Any]) -> Run:
    """The run of a row as `store.runs` loads it."""
    given = {name: row[name] or 0 for name in ("batch_size", "sites", "batches")} | {
        "state": State(row["state"]),
        "secret": bytes(row["secret"]),
        "graders": tuple(sorted(row["graders"], key=[*SECTIONS, *row["graders"]].index)),
    }
    return Run(**{**row, **given})


def outcome_of(connection: Connection, run: Run) -> Outcome:
    failed: dict[str, int] = {}
    for stage, _, number in outcomes.failed(connection, run.id):
        failed[stage] = failed.get(stage, 0) + number
    graded = dict.fromkeys(run.graders, 0)
    withheld = dict.fromkeys(run.graders, 0)
    for row in outcomes.graded(connection, run.id):
        graded[row["grader"]] = graded.get(row["grader"], 0) + row["grades"]
        withheld[row["grader"]] = withheld.get(row["grader"], 0) + row["withheld"]
    return Outcome(
        sites=outcomes.fixed(connection, run.id),
        stored=outcomes.stored(connection, run.id),
        failed=failed,
        graded=graded,
        withheld=withheld,
    )


def _load(connection: Connection, number: int) -> Run | None:
    row = runs.load(connection, number)
    return run_of(row) if row else None


def _as_it_was(connection: Connection, run: Run) -> bool:
    """Whether nobody has moved the run since it was read; nobody can until the transaction ends.
    Publishing goes on meanwhile."""
    row = runs.load(connection, run.id, lock=True)
    return row is not None and replace(run_of(row), published_batches=run.published_batches) == run


def _change(connection: Connection, run: Run, values: Mapping[str, Any]) -> None:
    try:
        runs.change(connection, run.id, run.state, values)
    except runs.OpenRunError as error:
        raise OpenRunError(str(error)) from error


def _fix(connection: Connection, run: Run, partition_count: int) -> None:
    sites.hold(connection)
    listed = sites.last_list(connection)
    expected = sites.count(connection, run.top)
    size = run.batch_size or batches.default_size(expected, partition_count)
    fixed = runs.fix_sites(connection, run.id, run.top, size)
    values = {"sites": fixed, "batch_size": size, "batches": batches.count(fixed, size)}
    if listed:
        values["list"] = listed["id"]
    runs.change(connection, run.id, State.PLANNED, values)
