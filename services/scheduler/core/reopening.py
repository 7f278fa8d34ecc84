"""How far a run goes back for messages that are sent again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS
from services.scheduler.core.run import Run
from services.scheduler.core.run_states import State

_NOTED = {
    SCAN_REQUESTS: "queued_at",
    SCAN_RESULTS: "scanned_at",
    GRADE_REQUESTS: "processed_at",
}
"""Topics in the order of the pipeline, with the time at which the end of a run's part is noted."""


@dataclass(frozen=True, slots=True)
class Return:
    """`renewed` are topics whose end moves to where they end now, `forgotten` those whose end
    the follower has yet to note."""

    state: State
    times: dict[str, datetime | None]
    renewed: tuple[str, ...]
    forgotten: tuple[str, ...]


def back(run: Run, topics: Iterable[str]) -> Return:
    """The state in which a run waits for new messages of `topics`: every barrier from the first
    of them on is to be passed again."""
    order = list(_NOTED)
    first = min(map(order.index, topics))
    times = dict.fromkeys(["finished_at", *(_NOTED[topic] for topic in order[first + 1 :])])
    if GRADE_REQUESTS in order[first + 1 :]:
        times["archived_at"] = None  # an archive lacks the scan results that are to come
    noted = [topic for topic in order[: first + 1] if getattr(run, _NOTED[topic])]
    return Return(
        state=_state(run, noted),
        times=times,
        renewed=tuple(topic for topic in noted if topic == order[first]),
        forgotten=tuple(topic for topic in order if topic not in noted),
    )


def refusal(run: Run | None, number: int, other: Run | None) -> str:
    """Why nothing can be sent again for the run of that number; empty if it can. `other` is the
    run that is open."""
    if run is None:
        return f"there is no run {number}"
    if run.pruned_at is not None:
        return f"run {number} was pruned: there is no room for its rows any more"
    if run.started_at is None or (run.closed and run.queued_at is None):
        return f"run {number} is {run.state} and its batches were never all out: start another run"
    if run.closed and other is not None:
        until = f"{other.deadline:%Y-%m-%d %H:%M:%S} UTC" if other.deadline else "a time not known"
        return (
            f"run {number} is closed and cannot be reopened while run {other.id} is open: "
            f"that ends by {until} at the latest"
        )
    return ""


def _state(run: Run, noted: list[str]) -> State:
    if run.queued_at is None:
        return run.state
    return State.SCANNED if SCAN_RESULTS in noted else State.QUEUED
