"""Runs whose scanners and processors come and go, and how long no SiteRun was stored meanwhile."""

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from sqlalchemy import func, select

from deploy.local.process import Child, wait_until
from services.common.store.database import engine
from services.common.store.tables import site_runs
from tests.integration.pipeline import Machine

LOOK_SECONDS = 0.05
JOIN_SECONDS = 60.0
SCANNER, PROCESSOR = "scanner", "processor"
_HAS_PARTITIONS = re.compile(r'"have": [1-9]')


class Crowd:
    """Processes of services beside the supervised ones. Those that leave are the oldest."""

    def __init__(self, to: Machine) -> None:
        self._to = to
        self._living: dict[str, list[Child]] = defaultdict(list)
        self._started: list[Child] = []

    def add(self, service: str) -> None:
        child = self._to.start(f"{service}-extra-{len(self._started) + 1}", service)
        self._started.append(child)
        self._living[service].append(child)

    def join(self, service: str) -> None:
        """Add one, and wait until it has partitions. Raises LocalError."""
        self.add(service)
        child = self._started[-1]
        wait_until(lambda: bool(_HAS_PARTITIONS.search(child.log.read_text())), child, JOIN_SECONDS)

    def end(self, service: str) -> None:
        """Ask it to end, and do not wait for that."""
        self._living[service].pop(0).ask_to_stop()

    def kill(self, service: str) -> None:
        self._living[service].pop(0).kill()

    def count(self, service: str) -> int:
        return len(self._living[service])

    def close(self) -> list[int]:
        """End all; the exit status of each in the order in which they were added."""
        for child in self._started:
            child.ask_to_stop()
        for child in self._started:
            child.stop()
        return [child.exit_code() or 0 for child in self._started]


@dataclass(slots=True)
class Commits:
    """The SiteRuns of a run as they are stored. `gap` is the longest time in seconds in which
    none was, from the start on, while some were to come."""

    sites: int
    stored: int = 0
    gap: float = 0.0
    fault: Exception | None = None
    _last: float = field(default_factory=time.monotonic)

    @property
    def pending(self) -> bool:
        return self.stored < self.sites

    def see(self, stored: int, now: float) -> None:
        if self.pending:
            self.gap = max(self.gap, now - self._last)
        if stored > self.stored:
            self.stored, self._last = stored, now


@contextmanager
def watched(to: Machine, run: int, sites: int) -> Iterator[Commits]:
    """Counts the run's SiteRuns twenty times a second until all are there."""
    commits, stop = Commits(sites), threading.Event()
    thread = threading.Thread(target=_watch, args=(to, run, commits, stop))
    thread.start()
    try:
        yield commits
    finally:
        stop.set()
        thread.join()


def _watch(to: Machine, run: int, commits: Commits, stop: threading.Event) -> None:
    query = select(func.count()).where(site_runs.c.run_id == run)
    source = engine(to.dsn)
    try:
        with closing(source.connect().execution_options(isolation_level="AUTOCOMMIT")) as at:
            while commits.pending and not stop.wait(LOOK_SECONDS):
                commits.see(at.scalar(query) or 0, time.monotonic())
    except Exception as error:
        commits.fault = error
    finally:
        source.dispose()


def await_share(commits: Commits, share: float) -> None:
    """Return once that share of the sites, from 0 to 1, is stored. Raises what ended the watch."""
    while commits.stored < share * commits.sites:
        if commits.fault:
            raise commits.fault
        time.sleep(LOOK_SECONDS)
