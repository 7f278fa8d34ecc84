"""A roll-out by hand: other processes beside the supervised ones, which are ended one by one and
not restarted."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from deploy.local.process import Child
from deploy.local.setup import GRADERS, PROCESSORS, SCANNERS
from services.common.stream.broker import Broker
from services.common.stream.groups import members
from tests.integration.pipeline import Machine
from tests.integration.progress import eventually

OURS = {
    "grader": [f"grader-{name}" for name in GRADERS],
    "processor": [f"processor-{number}" for number in range(1, PROCESSORS + 1)],
    "scanner": [f"scanner-{number}" for number in range(1, SCANNERS + 1)],
    "scheduler": ["scheduler"],
}
"""Supervised processes by service, readers before the writers of what they read."""
_GROUPS = {**{name: [name] for name in OURS}, "grader": OURS["grader"], "scheduler": []}


class Rollout:
    def __init__(self, to: Machine) -> None:
        self._to = to
        self._broker = Broker(to.bootstrap)
        self._added: dict[str, Child] = {}

    def add(self, theirs: Machine, *services: str) -> None:
        """One process for each service with the code and variables of `theirs`; returns once each
        has joined its groups."""
        before = {service: self._members(service) for service in services}
        for service in services:
            name = f"{service}-added-{len(self._added)}"
            self._added[name] = theirs.start(name, service)
        for service in services:
            wanted = {group: number + 1 for group, number in before[service].items()}
            joined = partial(self._has, service, wanted)
            eventually(joined, f"the other {service} to join", 0.1)

    def end_ours(self, *services: str) -> None:
        """As an operator does: SIGTERM, and wait."""
        for name in [name for service in services for name in OURS[service]]:
            os.kill(self._to.pid(name), signal.SIGTERM)
        for name in [name for service in services for name in OURS[service]]:
            eventually(partial(self._ended, name), f"the end of {name}")

    def replace(self, theirs: Machine, *services: str) -> None:
        self.add(theirs, *services)
        self.end_ours(*services)

    def end_added(self, service: str) -> None:
        for name in [name for name in self._added if name.startswith(service)]:
            self._added.pop(name).stop()

    def go_back(self) -> None:
        """End what was added."""
        for child in self._added.values():
            child.ask_to_stop()
        for child in self._added.values():
            child.stop()
        self._added.clear()

    def all_alive(self) -> bool:
        return all(child.alive() for child in self._added.values())

    def ours_are_back(self) -> bool:
        counts = members(self._broker, [group for groups in _GROUPS.values() for group in groups])
        ours = {**dict.fromkeys(OURS["grader"], 1), "processor": PROCESSORS, "scanner": SCANNERS}
        return counts == ours

    def _ended(self, name: str) -> bool:
        return self._to.living(name) is None

    def _members(self, service: str) -> dict[str, int]:
        return members(self._broker, _GROUPS[service])

    def _has(self, service: str, wanted: dict[str, int]) -> bool:
        return self._members(service) == wanted


@contextmanager
def rollout(to: Machine) -> Iterator[Rollout]:
    """Nothing is restarted inside; at the end ours work again alone."""
    supervisor = to.pid("supervisor")
    found = Rollout(to)
    eventually(found.ours_are_back, "our services", 0.1)
    os.kill(supervisor, signal.SIGSTOP)
    try:
        yield found
    finally:
        found.go_back()
        os.kill(supervisor, signal.SIGCONT)
    eventually(found.ours_are_back, "our services", 0.1)
