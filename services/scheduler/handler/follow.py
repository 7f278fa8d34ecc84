"""From a queued run to its end, barrier by barrier."""

from datetime import timedelta
from itertools import chain

from services.common.messages.topics import GRADE_REQUESTS, SCAN_REQUESTS, SCAN_RESULTS
from services.scheduler.core import dead, mails
from services.scheduler.core.barriers import (
    PROCESSOR,
    SCANNER,
    Step,
    grader_group,
    next_step,
    waiting_for,
)
from services.scheduler.core.letters import Letter, event
from services.scheduler.core.run import Outcome, Run
from services.scheduler.core.run_states import State, verdict
from services.scheduler.handler.ports import Change, Clock, Runs, Topics

NO_RESULT = "the scanner passed its batch and left no scan result"
NO_GRADE = "the grader passed its grade request and left no grade"
MARGIN = timedelta(hours=1)
"""Dead letters bear the time of whoever sent them, whose clock may be behind ours."""


class Follower:
    """`threshold` is the share of sites, from 0 to 1, that must have a SiteRun."""

    def __init__(self, runs: Runs, topics: Topics, clock: Clock, threshold: float) -> None:
        self._runs = runs
        self._topics = topics
        self._clock = clock
        self._threshold = threshold

    def follow(self, run: Run) -> bool:
        """Take a run whose batches are out one step further, if it is ready; whether it was."""
        positions = {
            barrier.group: self._topics.positions(barrier.group, barrier.topic)
            for barrier in waiting_for(run.barriers)
        }
        step = next_step(run.barriers, positions)
        match step:
            case Step.NOTE_SCAN_RESULTS:
                self._scanned(run)
            case Step.NOTE_GRADE_REQUESTS:
                self._processed(run)
            case Step.FINISH:
                self._finish(run)
        return step is not Step.WAIT

    def close_late(self, run: Run) -> bool:
        """Close a run that has reached its deadline; whether it has."""
        if run.deadline is None or self._clock() < run.deadline:
            return False
        reason = f"its deadline passed while it waited for {waiting_stage(run)}"
        self._fail(run, reason)
        absent = self._topics.absent(waiting_groups(run))
        note = f"{reason} (not running: {', '.join(absent)})" if absent else reason
        self._close(run, State.INCOMPLETE, self._runs.outcome(run), note)
        return True

    def seal(self, run: Run) -> None:
        """Store the ends of a closed run's windows, and what it left undone as failed."""
        self._fail(run, f"the run was closed: {run.note or run.state}")
        self._runs.seal(run, {topic: self._topics.ends(topic) for topic in run.starts})

    def _scanned(self, run: Run) -> None:
        now = run.in_order(self._clock())
        ends = {SCAN_RESULTS: self._topics.ends(SCAN_RESULTS)}
        self._runs.change(
            run,
            Change(State.SCANNED, {"scanned_at": now}, ends=ends),
            lambda run: [mails.scanned(run), event(run, "scanned", now, {"sites": run.sites})],
        )

    def _processed(self, run: Run) -> None:
        self._fail_sites(run, SCANNER, NO_RESULT)
        ends = {GRADE_REQUESTS: self._topics.ends(GRADE_REQUESTS)}
        self._runs.change(
            run, Change(run.state, {"processed_at": run.in_order(self._clock())}, ends=ends)
        )

    def _finish(self, run: Run) -> None:
        self._fail_grades(run, NO_GRADE)
        outcome = self._runs.outcome(run)
        self._close(run, verdict(outcome.sites, outcome.stored, self._threshold), outcome)

    def _fail(self, run: Run, reason: str) -> None:
        self._fail_sites(run, PROCESSOR if run.scanned_at else SCANNER, reason)
        self._fail_grades(run, reason)

    def _fail_sites(self, run: Run, stage: str, otherwise: str) -> None:
        known = self._reasons(run, SCAN_RESULTS, SCAN_REQUESTS)
        self._runs.fail_sites(run, known, stage, otherwise)

    def _fail_grades(self, run: Run, otherwise: str) -> None:
        known = self._reasons(run, SCAN_RESULTS, GRADE_REQUESTS)
        for grader in run.graders:
            reasons = known.get(PROCESSOR, {}) | known.get(grader_group(grader), {})
            self._runs.fail_grades(run, grader, reasons, otherwise)

    def _reasons(self, run: Run, *topics: str) -> dict[str, dict[str, str]]:
        started_at, _ = run.span
        letters = (self._topics.dead_letters(topic, started_at - MARGIN) for topic in topics)
        return dead.reasons(chain.from_iterable(letters), run.id)

    def _close(self, run: Run, state: State, outcome: Outcome, note: str = "") -> None:
        now = run.in_order(self._clock())

        def letters(closed: Run) -> list[Letter]:
            return [
                self._mail(closed, outcome),
                event(closed, state.value, now, outcome.counts, note),
            ]

        self._runs.change(run, Change(state, {"finished_at": now}, note=note), letters)

    def _mail(self, run: Run, outcome: Outcome) -> Letter:
        if run.state is State.GRADED:
            return mails.graded(run, outcome)
        if run.state is State.BOTCHED:
            return mails.botched(run, outcome, self._threshold)
        return mails.incomplete(run, outcome)


def waiting_groups(run: Run) -> list[str]:
    """The groups that an open run waits for; none while its batches go out."""
    if run.queued_at is None:
        return []
    return [barrier.group for barrier in waiting_for(run.barriers)]


def waiting_stage(run: Run) -> str:
    """What an open run waits for, in words."""
    return ", ".join(waiting_groups(run)) or "its batches to be published"
