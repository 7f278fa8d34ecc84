"""Worker processes of a replay: started together, shown as one bar, ended together."""

import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile

from rich.console import Console

from services.cli.bars import bars
from services.cli.fail import fail
from services.common.messages.envelope import BrokenError

AGAIN = "run the same command again to go on"
LOOK_SECONDS = 0.5
END_SECONDS = 10.0
"""For a worker to stop by itself after SIGTERM."""

Counted = Callable[[], tuple[int, int]]
"""How much is done, and of how much; raises BrokenError where that cannot be asked."""


def work(command: Sequence[str], count: int, progress: Counted, label: str) -> None:
    """Run `command` in `count` processes with this environment until all of `progress` is done.

    A worker that dies leaves its part to the others. Where none is left and not all is done, or at
    Ctrl-C or SIGTERM, the command ends with 1; what was committed stays done. Nothing is started
    where nothing is left to do. Raises BrokenError where `progress` does at the start or end.
    """
    done, total = progress()
    if done >= total:
        return
    workers: list[_Worker] = []
    with _ending(workers), _bar(label, total) as (console, show):
        workers += [_Worker(command) for _ in range(count)]
        running = list(workers)
        while running:
            show(progress)
            for worker in [one for one in running if one.ended(LOOK_SECONDS / len(running))]:
                running.remove(worker)
                if worker.status:
                    console.print(worker.last_words, markup=False, highlight=False)
        show(progress)
    done, total = progress()
    if done < total:
        fail(f"the workers ended at {done:,} of {total:,}: {AGAIN}")


class _Worker:
    def __init__(self, command: Sequence[str]) -> None:
        self._output = TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self._process = subprocess.Popen(  # noqa: S603  # our own modules
            command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT
        )

    @property
    def status(self) -> int | None:
        """None while it runs."""
        return self._process.returncode

    @property
    def last_words(self) -> str:
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        return f"worker {self._process.pid} ended with status {self.status}: {said}"

    def ended(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def ask_to_end(self) -> None:
        if self.status is None:
            self._process.terminate()

    def end(self) -> None:
        if not self.ended(END_SECONDS):
            self._process.kill()
            self._process.wait()
        self._output.close()


@contextmanager
def _ending(workers: Sequence[_Worker]) -> Iterator[None]:
    """End the workers with the command, whatever ends it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        fail(f"stopped: {AGAIN}")
    finally:
        for worker in workers:
            worker.ask_to_end()
        for worker in workers:
            worker.end()
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _bar(label: str, total: int) -> Iterator[tuple[Console, Callable[[Counted], None]]]:
    with bars() as shown:
        task = shown.add_task(label, total=total)

        def show(progress: Counted) -> None:
            try:
                done, of = progress()
            except BrokenError as error:
                shown.update(task, description=f"{label} (waits: {error})"[:60])
            else:
                shown.update(task, description=label, completed=done, total=of)

        yield shown.console, show
