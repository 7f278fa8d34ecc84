"""Subject and text of every mail."""

from collections.abc import Sequence
from datetime import datetime

from services.scheduler.core.estimate import Estimate, duration, in_words
from services.scheduler.core.letters import Letter, mail
from services.scheduler.core.ranked_list import ListInfo, Merge, RankedList
from services.scheduler.core.run import Outcome, Run


def starting(run: Run, listed: ListInfo | None, cost: Estimate, absent: Sequence[str]) -> Letter:
    """`absent` are groups that the run will wait for and that have no member."""
    lines = [
        f"Run {run.id} starts {_time(run.started_at)}.",
        f"List: {listed or 'unknown'}",
        f"Sites: {run.sites:,} in {run.batches:,} batches",
        f"Graders: {', '.join(run.graders)}",
        f"Estimate: {in_words(cost)}",
    ]
    lines += [f"CRITICAL: {not_running(absent)}"] if absent else []
    return mail(f"run {run.id} starting", "Scan Starting", "\n".join(lines))


def not_running(groups: Sequence[str]) -> str:
    """What is missing for a run to end."""
    return f"not running, and waited for until the deadline: {', '.join(groups)}"


def queued(run: Run) -> Letter:
    text = (
        f"Run {run.id}, started {_time(run.started_at)}: "
        f"all {run.batches:,} batches ({run.sites:,} sites) are queued."
    )
    return mail(f"run {run.id} queued", "All Scans In Queue", text)


def scanned(run: Run) -> Letter:
    text = (
        f"Run {run.id}, started {_time(run.started_at)}: every site has been asked about, "
        f"{_time(run.scanned_at)}. Storing and grading go on."
    )
    return mail(f"run {run.id} scanned {run.scanned_at}", "Scan Ending", text)


def graded(run: Run, outcome: Outcome) -> Letter:
    text = f"Run {run.id} is finished, {_time(run.finished_at)}.\n\n{_report(run, outcome)}"
    return mail(_ended(run), f"Scan id {run.id} Has Been Graded", text)


def botched(run: Run, outcome: Outcome, threshold: float) -> Letter:
    target = round(outcome.sites * threshold)
    text = (
        f"Run {run.id}, started {_time(run.started_at)}, has too few SiteRuns "
        f"and will not be published.\n"
        f"Target: {target:,} ({threshold:.0%} of {outcome.sites:,})\n"
        f"Actual: {outcome.stored:,}\nDelta: {outcome.stored - target:,}\n\n{_report(run, outcome)}"
    )
    return mail(_ended(run), f"CRITICAL Botched Run {run.id}", text)


def incomplete(run: Run, outcome: Outcome) -> Letter:
    text = f"Run {run.id} is closed unfinished: {run.note}\n\n{_report(run, outcome)}"
    return mail(_ended(run), f"CRITICAL Run {run.id} Is Incomplete", text)


def cancelled(run: Run) -> Letter:
    text = f"Run {run.id} was cancelled, {_time(run.finished_at)}. {run.note}"
    return mail(_ended(run), f"Run {run.id} Is Cancelled", text)


def list_changed(info: ListInfo, merge: Merge, read: RankedList) -> Letter:
    lines = [
        f"List {info}, from {info.source}",
        f"Sites: {merge.sites:,} (before: {merge.before:,})",
        f"New: {merge.new:,}",
        f"Re-ranked: {merge.reranked:,}",
        f"Dropped: {merge.dropped:,}",
        f"Bad lines: {read.bad.total():,}",
        *(f"  {line}" for line in read.first_bad),
    ]
    return mail(f"list {merge.number}", "Site List Update Is Done", "\n".join(lines))


def missed(job: str, ticks: Sequence[datetime], reason: str) -> Letter:
    """`job` is "run" or "import"; `ticks` the times at which it should have started."""
    times = "\n".join(_time(tick) for tick in ticks[-10:])
    text = f"{len(ticks)} scheduled start(s) of the {job} did not happen: {reason}\n{times}"
    return mail(f"missed {job} {ticks[-1].isoformat()}", f"CRITICAL Missed {job}", text)


def _report(run: Run, outcome: Outcome) -> str:
    lines = [f"Sites: {outcome.sites:,}", f"With a SiteRun: {outcome.stored:,}"]
    lines += [
        f"Grades of {grader}: {number:,} ({outcome.withheld.get(grader, 0):,} withheld)"
        for grader, number in sorted(outcome.graded.items())
    ]
    lines += [f"Failed in {stage}: {number:,}" for stage, number in sorted(outcome.failed.items())]
    lines += [f"Time {stage}: {duration(seconds)}" for stage, seconds in run.seconds.items()]
    return "\n".join(lines)


def _ended(run: Run) -> str:
    """One that was reopened ends more than once."""
    return f"run {run.id} {run.state} {run.finished_at}"


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "at an unknown time"
