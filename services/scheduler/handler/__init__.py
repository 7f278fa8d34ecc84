"""The scheduler: one turn after the other, each of which may be the last."""

from dataclasses import dataclass

from services.scheduler.core.run_states import State
from services.scheduler.handler.follow import Follower
from services.scheduler.handler.ports import Runs
from services.scheduler.handler.publish import Publisher


@dataclass(frozen=True, slots=True)
class Scheduler:
    runs: Runs
    publisher: Publisher
    follower: Follower

    def turn(self) -> bool:
        """Do what can be done now for every run; whether one moved, and may move again at once.
        Raises BrokenError."""
        for closed in self.runs.unsealed():
            self.follower.seal(closed)
        run = self.runs.find_open()
        if run is None:
            return False
        if self.follower.close_late(run):
            return True
        if run.state is State.PLANNED:
            self.publisher.prepare(run)
        elif run.state is State.PUBLISHING:
            self.publisher.publish(run)
        else:
            return self.follower.follow(run)
        return True
