"""Where a live group reads on in partitions of which it has no offset that can be used."""

from collections.abc import Callable, Mapping

from services.common.stream.broker import Broker
from services.common.stream.consumer import Member
from services.common.stream.offsets import Offsets

RunStarts = Callable[[str], Mapping[int, int]]
"""Where the open run begins in a topic, by partition; empty where none is open. Raises
BrokenError."""


def begin(broker: Broker, member: Member, run_starts: RunStarts) -> None:
    """Let the member read on wherever it is adrift, so that nothing of the open run is lost; a
    group that is new begins in the same way. Raises BrokenError."""
    offsets = Offsets(broker)
    for topic in sorted({topic for topic, _ in member.adrift}):
        committed = offsets.committed(member.group, topic)
        firsts, ends = offsets.starts(topic), offsets.ends(topic)
        # Asked last: a run that opens after this begins beyond the ends.
        run = run_starts(topic)
        member.go_to(
            {
                (topic, part): beginning(committed.get(part), firsts[part], end, run.get(part))
                for part, end in ends.items()
            }
        )


def beginning(committed: int | None, first: int, end: int, run: int | None) -> int:
    """The offset to read on at, of a partition that holds offsets `first` up to `end`.

    That is where the group was; where that is unknown, the start of the open `run`; the end where
    no run is open. What retention has removed is passed. Offsets beyond the end were given out
    before the partition lost them or was made anew, and mean nothing: all of it may be new.
    """
    if committed is not None and committed <= end:
        return max(first, committed)
    if run is None:
        return end
    return max(first, run) if run <= end else first
