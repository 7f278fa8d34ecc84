"""A small disk in memory that can be filled up."""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BALLAST = "ballast"
BLOCK = bytes(64 * 1024)


class Disk:
    """What is mounted at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave no byte free; what is freed meanwhile is not taken."""
        with (self.folder / BALLAST).open("ab", buffering=0) as ballast:
            for block in (BLOCK, b"x"):
                _write_until_full(ballast.fileno(), block)

    def clear(self) -> None:
        (self.folder / BALLAST).unlink(missing_ok=True)


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """Mounted at the new folder as long as the context lasts. Raises PermissionError."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "dnstats-test", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        folder.rmdir()
        raise PermissionError(f"no disk of the test's own: {done.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        # Lazily, for a process that is being killed may still hold a file.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(folder)


def _write_until_full(file: int, block: bytes) -> None:
    try:
        while os.write(file, block):
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
