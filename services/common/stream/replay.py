"""A window of a topic read again by the members of a group of its own, beside the live pipeline."""

import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from services.common.messages.envelope import BrokenError, Incoming, run_header
from services.common.messages.window import Window
from services.common.stream.broker import Broker
from services.common.stream.consumer import Member
from services.common.stream.offsets import Offsets
from services.common.stream.pace import Pace
from services.common.stream.producer import Producer
from services.common.stream.settle import (
    BATCH_MESSAGES,
    BATCH_SECONDS,
    Handle,
    Refuse,
    Settler,
    ends_of,
)
from services.common.telemetry.health import Pulse
from services.common.telemetry.logs import bound

LOOK_SECONDS = 1.0
"""Between two looks at how far the whole group is."""
LEAVE_SECONDS = 15.0
"""Members that have ended are known to the broker for so long at most."""


class ExpiredError(Exception):
    """The broker no longer holds all of a window; the text names what is gone, and the way out."""


def check(offsets: Offsets, window: Window) -> None:
    """Raises ExpiredError where part of the window is gone, BrokenError."""
    if gone := _gone(offsets, window):
        raise _expired(window.topic, gone)


def gaps(window: Window, firsts: Mapping[int, int], ends: Mapping[int, int]) -> list[str]:
    """What is missing of a window in a topic that holds offsets `firsts` up to `ends`, in words.
    Empty partitions of the window miss nothing."""
    found = []
    for part, end in window.ends.items():
        start = window.starts[part]
        first, last = firsts.get(part, end), ends.get(part, end)
        parts = [(start, min(first, end)), (max(last, start), end)]
        found += [
            f"partition {part} has lost offsets {low} to {high - 1} of {start} to {end - 1}"
            for low, high in parts
            if low < high
        ]
    return found


def _gone(offsets: Offsets, window: Window) -> list[str]:
    return gaps(window, offsets.starts(window.topic), offsets.ends(window.topic))


def _expired(topic: str, gone: Sequence[str]) -> ExpiredError:
    return ExpiredError(
        f"the broker no longer holds all of this window of {topic}: {'; '.join(gone)}. "
        "Only an archive of the run can replace it: dnstats reprocess RUN --from DIR"
    )


def begin(offsets: Offsets, window: Window, group: str) -> None:
    """Let the group begin at the window's start, where it has not begun yet. Raises BrokenError."""
    offsets.begin(group, window.topic, window.starts)


def forget(broker: Broker, group: str) -> None:
    """Delete a finished group; one that is not there is forgotten already. Raises BrokenError
    where the broker refuses, as it does while the group has members."""
    admin, name = AdminClient(broker.config()), broker.named(group)
    until = time.monotonic() + LEAVE_SECONDS
    while True:
        try:
            admin.delete_consumer_groups([name], request_timeout=10)[name].result(10)
        except KafkaException as error:
            code = error.args[0].code()
            if code == KafkaError.GROUP_ID_NOT_FOUND:
                return
            if code != KafkaError.NON_EMPTY_GROUP or time.monotonic() > until:
                raise BrokenError(f"{group}: {error.args[0].str()}") from error
            time.sleep(LOOK_SECONDS)
        except TimeoutError as error:
            raise BrokenError(f"{group}: the broker does not answer") from error
        else:
            return


def run(
    broker: Broker,
    window: Window,
    group: str,
    handle: Handle,
    *,
    keep: int,
    refuse: Refuse,
    rate: float | None,
    pulse: Pulse,
    stop: threading.Event,
) -> None:
    """Handle the window's messages of run `keep` as a member of `group`, which has begun, until
    the whole group has passed the window's ends or `stop` is set.

    At most `rate` messages a second are handled by this member; None or 0 is no cap. `refuse` is
    given each message for which `handle` raises InvalidError. Raises ExpiredError where offsets
    vanish meanwhile, and else what `loop.run` raises.
    """
    join = partial(Member, broker, [window.topic], group, pulse, tell_ends=True)
    with (
        bound(group=group),
        Settler(join, Producer(broker), handle, refuse, pulse, stop) as settler,
    ):
        pace = Pace(rate) if rate else None
        _Replay(settler, Offsets(broker), window, run_header(keep), pace, stop).run()


class _Replay:
    def __init__(
        self,
        settler: Settler[Member],
        offsets: Offsets,
        window: Window,
        header: tuple[str, bytes],
        pace: Pace | None,
        stop: threading.Event,
    ) -> None:
        self._settler = settler
        self._member = settler.member
        self._offsets = offsets
        self._window = window
        self._header = header
        self._pace = pace
        self._stop = stop

    def run(self) -> None:
        size = self._pace.batch(BATCH_MESSAGES) if self._pace else BATCH_MESSAGES
        next_look = 0.0
        while not self._stop.is_set():
            batch = self._member.read(size, BATCH_SECONDS)
            self._take(batch)
            if (not batch or self._member.adrift) and time.monotonic() > next_look:
                if self._over():
                    return
                next_look = time.monotonic() + LOOK_SECONDS

    def _take(self, batch: Sequence[Incoming]) -> None:
        """Settle what is kept of the batch, commit how far it goes, and leave what is done."""
        reached = self._member.read_out()
        for where, at in ends_of(batch).items():
            reached[where] = max(at, reached.get(where, 0))
        kept = [one for one in batch if self._keeps(one)]
        if kept:
            self._settler.settle(kept)
        ends = {where: self._window.ends.get(where[1], 0) for where in reached}
        self._settler.commit({where: min(at, ends[where]) for where, at in reached.items()})
        self._member.leave(where for where, at in reached.items() if at >= ends[where])
        if self._pace and kept:
            self._slow_down(self._pace.take(len(kept), time.monotonic()))

    def _keeps(self, incoming: Incoming) -> bool:
        end = self._window.ends.get(incoming.partition, 0)
        return incoming.offset < end and self._header in incoming.headers

    def _slow_down(self, seconds: float) -> None:
        if seconds <= LOOK_SECONDS:  # a pause would throw away what was read ahead
            self._stop.wait(seconds)
        else:
            self._settler.rest(seconds)
            self._member.resume()

    def _over(self) -> bool:
        """Whether the whole group is past the ends. Puts on their way those places of which the
        group lost its offset. Raises ExpiredError."""
        topic = self._window.topic
        asked = partial(self._offsets.committed, self._member.group, topic)
        committed = self._settler.patiently(asked)
        left = self._left(committed)
        if left.size and (gone := self._settler.patiently(partial(_gone, self._offsets, left))):
            raise _expired(topic, gone)
        self._member.go_to({(topic, part): start for part, start in left.starts.items()})
        self._member.leave(self._member.adrift - {(topic, part) for part in left.starts})
        return self._window.passed(committed)

    def _left(self, committed: Mapping[int, int]) -> Window:
        """What this member has still to read."""
        window = self._window
        at = {part: committed.get(part, start) for part, start in window.starts.items()}
        mine = {
            part: end
            for part, end in window.ends.items()
            if (window.topic, part) in self._member.mine and at[part] < end
        }
        return Window(window.topic, {part: at[part] for part in mine}, mine)
