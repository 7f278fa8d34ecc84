"""An archive: the scan results of one run as files, as they were on the topic.

`schemas/archive` says what the files hold. The manifest is written last, and no file is used before
it was compared with what the manifest says of it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import fastavro
from pydantic import NonNegativeInt, TypeAdapter, ValidationError

from services.common.messages.codec import schema
from services.common.messages.envelope import Incoming
from services.common.messages.window import Window

SCHEMA = schema("archive", 1)
MANIFEST = "manifest.json"


class ArchiveError(Exception):
    """A folder cannot be read or written as an archive; the text names the file and the fault."""


@dataclass(frozen=True, slots=True)
class Container:
    """One file: the messages of a run in one partition, from `start` up to, not including, `end`.
    There may be fewer than offsets."""

    partition: NonNegativeInt
    start: NonNegativeInt
    end: NonNegativeInt
    messages: NonNegativeInt
    size: NonNegativeInt
    """Bytes."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds. `facts` are the run's own, for people."""

    format: Literal[1]
    run: int
    topic: str
    facts: Mapping[str, Any]
    containers: tuple[Container, ...]

    @property
    def window(self) -> Window:
        return Window(
            self.topic,
            {one.partition: one.start for one in self.containers},
            {one.partition: one.end for one in self.containers},
        )

    @property
    def messages(self) -> int:
        return sum(one.messages for one in self.containers)

    @property
    def size(self) -> int:
        """Bytes of all containers."""
        return sum(one.size for one in self.containers)


_manifests = TypeAdapter(Manifest)


class Archive:
    """An archive to read. Everything raises ArchiveError where a file is missing or is not what
    it should be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / MANIFEST
        self.manifest = load(path)
        self.name = f"archive {digest(path)[:12]}"
        """The same of every copy."""
        self.by_partition = {one.partition: one for one in self.manifest.containers}

    def verify(self, container: Container) -> None:
        verify(path_of(self.folder, self.manifest.topic, container.partition), container)

    def messages(self, container: Container, offset: int = 0) -> Iterator[Incoming]:
        """Those from `offset` on, in order."""
        path = path_of(self.folder, self.manifest.topic, container.partition)
        with _readable(path), path.open("rb") as file:
            records: Any = fastavro.reader(file, reader_schema=SCHEMA)
            found = {name: records.metadata.get(name) for name in origin(self.manifest, 0)}
            if found != origin(self.manifest, container.partition):
                raise ArchiveError(f"{path}: it is of another run or partition")
            for record in records:
                if record["offset"] >= offset:
                    yield _incoming(self.manifest.topic, container.partition, record)


def load(path: Path) -> Manifest:
    """Raises ArchiveError."""
    try:
        return _manifests.validate_json(path.read_bytes())
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        fault = error.errors()[0]
        at = ".".join(map(str, fault["loc"]))
        raise ArchiveError(f"{path}: {at + ': ' if at else ''}{fault['msg']}") from error


def dump(manifest: Manifest) -> bytes:
    return _manifests.dump_json(manifest, indent=2) + b"\n"


def path_of(folder: Path, topic: str, partition: int) -> Path:
    return folder / f"{topic}-{partition}.avro"


def origin(manifest: Manifest, partition: int) -> dict[str, str]:
    """The metadata of a container that says where its messages were."""
    return {
        "dnstats.run": str(manifest.run),
        "dnstats.topic": manifest.topic,
        "dnstats.partition": str(partition),
    }


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises ArchiveError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror}") from error


def verify(path: Path, container: Container) -> None:
    """Raises ArchiveError unless the file is the one that was written."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror}") from error
    if size != container.size:
        raise ArchiveError(f"{path}: it has {size} bytes, the manifest says {container.size}")
    if (found := digest(path)) != container.sha256:
        raise ArchiveError(f"{path}: SHA-256 is {found}, the manifest says {container.sha256}")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except ArchiveError:
        raise
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror}") from error
    except Exception as error:  # fastavro raises whatever the bytes lead it into
        raise ArchiveError(f"{path}: damaged: {error!r}") from error


def _incoming(topic: str, partition: int, record: Any) -> Incoming:
    return Incoming(
        topic,
        partition,
        record["offset"],
        record["key"],
        record["value"],
        tuple((header["name"], header["value"]) for header in record["headers"]),
        record["timestamp"],
    )
