"""Progress bars of a run, from its own numbers and the offsets of the groups."""

import time
from collections.abc import Mapping

from services.cli.access import Access
from services.cli.bars import bars
from services.cli.running import missing
from services.common.messages.topics import GRADE_REQUESTS, SCAN_RESULTS
from services.scheduler.core.barriers import PROCESSOR, Offsets, grader_group
from services.scheduler.core.mails import not_running
from services.scheduler.core.run import Run
from services.scheduler.handler.ports import Topics

LOOK_SECONDS = 0.5
HINT_SECONDS = 3.0
"""Between two looks at what is not running; a service that has just started joins its group
meanwhile."""


def watch(access: Access, number: int) -> Run:
    """Show a bar for each stage until the run is closed; returns it. Raises BrokenError."""
    topics = access.topics
    with bars() as shown:
        tasks = {}
        hints = _Hints(access)
        while True:
            run = access.run(number)
            for stage, done in stages(run, topics).items():
                if stage not in tasks:
                    tasks[stage] = shown.add_task(stage, total=None)
                shown.update(tasks[stage], completed=done, total=run.sites or None)
            if run.closed:
                return run
            if hint := hints.new(run):
                shown.console.print(hint, markup=False)
            time.sleep(LOOK_SECONDS)


class _Hints:
    """What is not running, said once and whenever it is something else."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._said: list[str] = []
        self._look_at = time.monotonic() + HINT_SECONDS

    def new(self, run: Run) -> str:
        """Empty if there is nothing new to say. Raises BrokenError."""
        if time.monotonic() < self._look_at:
            return ""
        self._look_at = time.monotonic() + HINT_SECONDS
        before = self._said
        self._said = missing(self._access.engine, self._access.topics, run.graders)
        return not_running(self._said) if self._said and self._said != before else ""


def stages(run: Run, topics: Topics) -> dict[str, int]:
    """Sites that each stage is done with. Redelivered messages count, but never beyond the
    sites of the run."""
    done = dict.fromkeys(["published", "scanned", "processed", *run.graders], 0)
    done["published"] = min(run.sites, run.published_batches * run.batch_size)
    if SCAN_RESULTS not in run.starts:
        return done
    results, requests = run.starts[SCAN_RESULTS], run.starts[GRADE_REQUESTS]
    done["scanned"] = _since(results, run.ends.get(SCAN_RESULTS) or topics.ends(SCAN_RESULTS))
    done["processed"] = _since(results, topics.positions(PROCESSOR, SCAN_RESULTS))
    for grader in run.graders:
        done[grader] = _since(requests, topics.positions(grader_group(grader), GRADE_REQUESTS))
    return {stage: min(number, run.sites) for stage, number in done.items()}


def _since(starts: Offsets, positions: Mapping[int, int]) -> int:
    return sum(max(0, positions.get(part, 0) - start) for part, start in starts.items())
