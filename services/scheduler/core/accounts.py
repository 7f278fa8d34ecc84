"""The books of a run, recounted: every site is stored or failed, with every grader too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.common.messages.topics import SCAN_RESULTS
from services.scheduler.core.barriers import Barrier, Offsets, all_barriers
from services.scheduler.core.run import Run
from services.scheduler.core.run_states import State

NAMED = 5
"""So many domains are named of each difference."""


@dataclass(frozen=True, slots=True)
class Account:
    """What was to be there and what is. `missing` are the domains of neither."""

    expected: int
    stored: int
    failed: int
    missing: Sequence[str]

    @property
    def balanced(self) -> bool:
        return self.expected == self.stored + self.failed and not self.missing


@dataclass(frozen=True, slots=True)
class Books:
    """Counted from rows and offsets, not from what the run says of itself."""

    sites: Account
    graders: Mapping[str, Account]
    strangers: Sequence[str]
    """Domains with a SiteRun that the run was not made of."""
    sources: Mapping[int, tuple[int, int]]
    """By partition of scan-results, first and last offset that a SiteRun is from."""
    positions: Mapping[tuple[str, str], Offsets]
    """Where each group of a barrier stands in its topic; graders that judged the run by a regrade,
    in a group of its own, are left out."""


def differences(run: Run, books: Books) -> list[str]:
    """What is wrong with the books of a closed run, a sentence each; nothing if they are right, or
    if the run was pruned."""
    if not run.closed:
        return [f"run {run.id} is not closed: it is {run.state}"]
    if run.pruned_at:
        return []
    found = []
    if books.sites.expected != run.sites:
        found.append(f"the run says {run.sites} sites and was made of {books.sites.expected}")
    found += _unbalanced("SiteRuns", books.sites)
    for grader, account in books.graders.items():
        found += _unbalanced(f"{grader} grades", account)
    if books.strangers:
        found.append(f"SiteRuns of sites outside the run: {_named(books.strangers)}")
    found += _outside_window(run, books.sources)
    if run.state in (State.GRADED, State.BOTCHED):
        found += _not_passed(all_barriers(run.barriers), books.positions)
    return found


def _unbalanced(what: str, account: Account) -> list[str]:
    if account.balanced:
        return []
    sentence = (
        f"{what}: {account.expected} expected, {account.stored} stored and {account.failed} failed"
    )
    return [f"{sentence}; missing: {_named(account.missing)}" if account.missing else sentence]


def _outside_window(run: Run, sources: Mapping[int, tuple[int, int]]) -> list[str]:
    starts, ends = run.starts.get(SCAN_RESULTS, {}), run.ends.get(SCAN_RESULTS, {})
    return [
        f"SiteRuns are from offsets {first} to {last} of {SCAN_RESULTS}[{part}], "
        f"the window is {starts.get(part)} to {ends.get(part)}"
        for part, (first, last) in sorted(sources.items())
        if first < starts.get(part, 0) or last >= ends.get(part, 0)
    ]


def _not_passed(
    barriers: Sequence[Barrier], positions: Mapping[tuple[str, str], Offsets]
) -> list[str]:
    return [
        f"{barrier.group} has {left} messages of {barrier.topic} still to read"
        for barrier in barriers
        if (barrier.group, barrier.topic) in positions
        and (left := barrier.remaining(positions[barrier.group, barrier.topic]))
    ]


def _named(domains: Sequence[str]) -> str:
    more = len(domains) - NAMED
    return ", ".join(domains[:NAMED]) + (f" and {more} more" if more > 0 else "")
