"""Processes that stand still and go on."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import psutil


@contextmanager
def frozen(pids: Sequence[int], *, families: bool = False) -> Iterator[None]:
    """The processes, with `families` also what they started: the parents first, so that they
    start nothing more."""
    with ExitStack() as thaws:
        for pid in pids:
            process = psutil.Process(pid)
            _freeze(process, thaws)
            for child in process.children(recursive=True) if families else ():
                with suppress(psutil.NoSuchProcess):
                    _freeze(child, thaws)
        yield


def _freeze(process: psutil.Process, thaws: ExitStack) -> None:
    process.suspend()
    thaws.callback(_thaw, process)


def _thaw(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.resume()
