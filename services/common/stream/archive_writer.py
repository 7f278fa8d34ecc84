"""Writing an archive: whole files under their final names only, the manifest last."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastavro

from services.common.messages.envelope import Incoming
from services.common.messages.window import Window
from services.common.stream.archive import (
    MANIFEST,
    SCHEMA,
    Archive,
    ArchiveError,
    Container,
    Manifest,
    digest,
    dump,
    load,
    origin,
    path_of,
    verify,
)

BEGUN = "manifest.begun.json"
"""What an interrupted archive has of whole files; becomes the manifest."""
BLOCK_BYTES = 1 << 20

Read = Callable[[int], Iterable[Incoming]]
"""The run's messages of a partition within the window, by offset."""
Progress = Callable[[int], None]
"""Called with the number of offsets of the window that are done."""


def write(folder: Path, draft: Manifest, window: Window, read: Read, progress: Progress) -> Archive:
    """Make the folder the archive of a window; `draft` is its manifest without containers.

    What an interrupted attempt left is used again after it was compared with what it noted.
    Raises ArchiveError where a file cannot be written, or the folder is of another run; then, and
    where `read` raises, the whole files stay for the next attempt.
    """
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
    manifest = replace(draft, containers=tuple(_begun(folder, draft, window)))
    for partition in sorted(window.ends.keys() - manifest.window.ends.keys()):
        records = _Records(read(partition), window.starts[partition], manifest, progress)
        container = _archive(folder, window, partition, records)
        manifest = replace(manifest, containers=(*manifest.containers, container))
        _put(folder / BEGUN, dump(manifest))
    progress(window.size)
    in_order = sorted(manifest.containers, key=lambda one: one.partition)
    _put(folder / BEGUN, dump(replace(manifest, containers=tuple(in_order))))
    with _writable(folder / MANIFEST):
        (folder / BEGUN).replace(folder / MANIFEST)
        _sync(folder)
    return Archive(folder)


def _begun(folder: Path, draft: Manifest, window: Window) -> Iterator[Container]:
    """The containers of an interrupted attempt that are whole."""
    if not (folder / BEGUN).exists():
        return
    begun = load(folder / BEGUN)
    if (begun.run, begun.topic) != (draft.run, draft.topic):
        raise ArchiveError(f"{folder}: an archive of run {begun.run} was begun here")
    for one in begun.containers:
        part = one.partition
        if (window.starts.get(part), window.ends.get(part)) != (one.start, one.end):
            continue
        try:
            verify(path_of(folder, begun.topic, part), one)
        except ArchiveError:
            continue  # it is written again
        yield one


class _Records:
    """The messages of one more partition as records, counted."""

    def __init__(
        self, messages: Iterable[Incoming], start: int, manifest: Manifest, progress: Progress
    ) -> None:
        self.manifest = manifest
        self.count = 0
        self._messages = messages
        self._before = manifest.window.size - start
        self._progress = progress

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for message in self._messages:
            self.count += 1
            self._progress(self._before + message.offset)
            yield {
                "offset": message.offset,
                "timestamp": message.timestamp,
                "key": message.key,
                "headers": [{"name": name, "value": value} for name, value in message.headers],
                "value": message.value,
            }


def _archive(folder: Path, window: Window, partition: int, records: _Records) -> Container:
    metadata = origin(records.manifest, partition)
    path = path_of(folder, window.topic, partition)
    with _whole(path) as file:
        fastavro.writer(
            file,
            SCHEMA,
            records,
            codec="zstandard",
            sync_interval=BLOCK_BYTES,
            metadata=metadata,
            # Not random, so that the same messages become the same bytes.
            sync_marker=hashlib.sha256(repr(metadata).encode()).digest()[:16],
        )
    start, end = window.starts[partition], window.ends[partition]
    return Container(partition, start, end, records.count, path.stat().st_size, digest(path))


def _put(path: Path, content: bytes) -> None:
    with _whole(path) as file:
        file.write(content)


@contextmanager
def _whole(path: Path) -> Iterator[Any]:
    """A file to write, on the disk under its name when it is whole and not before."""
    beside = path.with_name(path.name + ".tmp")
    try:
        with _writable(path):
            with beside.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            _sync(path.parent)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    """Put names on the disk too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror}") from error
