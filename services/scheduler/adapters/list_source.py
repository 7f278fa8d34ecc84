"""A list from a file or a URL, plain or zipped, as lines."""

import hashlib
import http.client
import io
import lzma
import tempfile
import time
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from services.scheduler.core.ranked_list import MAX_LINE
from services.scheduler.handler.ports import ListError

SCHEMES = ("http", "https")
MAX_FILE = 256 * 1024 * 1024
"""Bytes, as downloaded or on disk."""
MAX_TEXT = 1024 * 1024 * 1024
"""Bytes, unzipped."""
READ_TIMEOUT = 30.0
WHOLE_TIMEOUT = 600.0
_CHUNK = 1 << 18
_AGENT = "dnstats (list import)"

_UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError)
"""RuntimeError: zipfile says so that an archive is encrypted, or packed in a way unknown to it."""

Progress = Callable[[int, int | None], None]
"""Called with bytes done and, where known, bytes in all."""


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list on this machine. `name` is what its last part is called."""

    path: Path
    name: str
    sha256: bytes

    def lines(self, progress: Progress = lambda done, of: None) -> Iterator[bytes]:
        """Its lines, each at most a little longer than a good one can be. Raises ListError."""
        try:
            with self.path.open("rb") as raw, closing(_unzipped(raw, self.name)) as plain:
                size = self.path.stat().st_size
                yield from _lines(plain, self.name, lambda: progress(raw.tell(), size))
        except _UNREADABLE as error:
            raise ListError(f"{self.name} cannot be read: {error}") from error


@contextmanager
def list_file(source: str, progress: Progress = lambda done, of: None) -> Iterator[ListFile]:
    """The list at a URL, downloaded for as long as the context lasts, or in a file. Raises
    ListError."""
    if urlsplit(source).scheme in SCHEMES:
        with tempfile.TemporaryDirectory(prefix="dnstats-list-") as folder:
            path = Path(folder) / "list"
            _download(source, path, progress)
            yield ListFile(path, Path(urlsplit(source).path).name or "list", _sha256(path))
        return
    path = Path(source)
    if not path.is_file():
        raise ListError(f"{source} is neither a file nor an http or https URL")
    try:
        yield ListFile(path, path.name, _sha256(path))
    except PermissionError as error:
        raise ListError(f"{source} cannot be read: {error.strerror}") from error


def _download(url: str, path: Path, progress: Progress) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": _AGENT})  # noqa: S310  # checked
    try:
        with (
            urllib.request.urlopen(request, timeout=READ_TIMEOUT) as response,  # noqa: S310
            path.open("wb") as out,
        ):
            if response.status != 200:
                raise ListError(f"{url} answers with status {response.status}")
            length = response.headers.get("Content-Length", "")
            _copy(response, out, url, int(length) if length.isdecimal() else None, progress)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ListError(f"{url} cannot be downloaded: {error}") from error


def _copy(
    response: IO[bytes], out: IO[bytes], url: str, length: int | None, progress: Progress
) -> None:
    done, deadline = 0, time.monotonic() + WHOLE_TIMEOUT
    while chunk := response.read(_CHUNK):
        done += len(chunk)
        if done > MAX_FILE:
            raise ListError(f"{url} is larger than {MAX_FILE:,} bytes")
        if time.monotonic() > deadline:
            raise ListError(f"{url} takes longer than {WHOLE_TIMEOUT:.0f} s")
        out.write(chunk)
        progress(done, length)
    if length is not None and done != length:
        raise ListError(f"{url} broke off after {done:,} of {length:,} bytes")


def _unzipped(raw: IO[bytes], name: str) -> IO[bytes]:
    """The one file in a zip archive; anything else as it is."""
    is_zip = raw.read(4) == b"PK\x03\x04"
    raw.seek(0)
    if not is_zip:
        return io.BufferedReader(raw)  # type: ignore[type-var]
    archive = zipfile.ZipFile(raw)
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        raise ListError(f"{name} is an archive of {len(members)} files, not of one")
    return archive.open(members[0])


def _lines(plain: IO[bytes], name: str, tick: Callable[[], None]) -> Iterator[bytes]:
    limit, done = MAX_LINE + 2, 0
    for number, line in enumerate(iter(lambda: plain.readline(limit), b"")):
        rest = line
        while len(rest) == limit and not rest.endswith(b"\n"):
            rest = plain.readline(limit)
            done += len(rest)
        done += len(line)
        if done > MAX_TEXT:
            raise ListError(f"{name} is larger than {MAX_TEXT:,} bytes unzipped")
        if number % 1000 == 0:
            tick()
        yield line
    tick()


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
