"""Waiting until the graders have judged what they were given."""

import time
from collections.abc import Sequence

from services.cli.bars import bars
from services.common.messages.window import Window
from services.common.stream.broker import Broker
from services.common.stream.groups import members
from services.common.stream.offsets import Offsets
from services.scheduler.core.barriers import grader_group

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 20.0
"""So long may a group be without members, as it is while a grader is started again."""


def await_graders(broker: Broker, graders: Sequence[str], window: Window) -> list[str]:
    """Show a bar for each grader until it has passed the window. Returns the groups that have not
    and have had no members for a while; at once if all others are done. Raises BrokenError."""
    offsets = Offsets(broker)
    waiting = [grader_group(grader) for grader in graders]
    worked = dict.fromkeys(waiting, time.monotonic())
    with bars() as shown:
        tasks = {group: shown.add_task(group, total=window.size) for group in waiting}
        while True:
            for group in list(waiting):
                positions = offsets.committed(group, window.topic)
                shown.update(tasks[group], completed=window.done(positions))
                if window.passed(positions):
                    waiting.remove(group)
            for group, count in members(broker, waiting).items():
                if count:
                    worked[group] = time.monotonic()
            missing = [
                group for group in waiting if time.monotonic() > worked[group] + PATIENCE_SECONDS
            ]
            if missing == waiting:
                return missing
            time.sleep(LOOK_SECONDS)
