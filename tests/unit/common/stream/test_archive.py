"""Archives: what is written is read, and nothing else is."""

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.messages.envelope import Incoming
from services.common.messages.window import Window
from services.common.stream import archive_writer
from services.common.stream.archive import MANIFEST, Archive, ArchiveError, Manifest

TOPIC = "scan-results"
GOLDEN = Path(__file__).parents[4] / "schemas" / "archive" / "examples" / "run-3"
DRAFT = Manifest(1, 3, TOPIC, {"state": "graded"}, ())
MESSAGES = {
    0: [
        Incoming(TOPIC, 0, 5, b"a.test", b"\0evidence", (("run_id", b"3"),), 1_700_000_000_000),
        Incoming(TOPIC, 0, 8, None, None, (), 0),
    ],
    1: [],
    2: [Incoming(TOPIC, 2, 0, b"b.test", b"x" * 1000, (("run_id", b"3"), ("again", b"")), 7)],
}
WINDOW = Window(TOPIC, {0: 5, 1: 4, 2: 0}, {0: 9, 1: 4, 2: 1})


def written(folder: Path, draft: Manifest = DRAFT, window: Window = WINDOW) -> Archive:
    return archive_writer.write(folder, draft, window, MESSAGES.__getitem__, lambda done: None)


def read(archive: Archive) -> dict[int, list[Incoming]]:
    for container in archive.manifest.containers:
        archive.verify(container)
    return {one.partition: list(archive.messages(one)) for one in archive.manifest.containers}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written(tmp_path / "new" / "folder")
    archive = Archive(tmp_path / "new" / "folder")
    assert read(archive) == MESSAGES
    assert archive.manifest.window == WINDOW
    assert (archive.manifest.run, archive.manifest.messages) == (3, 3)
    assert archive.manifest.facts == {"state": "graded"}


def test_an_archive_of_long_ago_reads() -> None:
    assert read(Archive(GOLDEN)) == MESSAGES


def test_the_same_messages_become_the_same_bytes(tmp_path: Path) -> None:
    one, other = written(tmp_path / "one"), written(tmp_path / "other")
    assert contents(one.folder) == contents(other.folder)
    assert one.name == other.name


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_reading_begins_where_it_is_told(tmp_path: Path) -> None:
    archive = written(tmp_path)
    assert [one.offset for one in archive.messages(archive.by_partition[0], 6)] == [8]
    assert list(archive.messages(archive.by_partition[0], 9)) == []


@given(
    st.lists(
        st.tuples(
            st.none() | st.binary(max_size=30),
            st.none() | st.binary(max_size=300),
            st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=9)), max_size=3),
            st.integers(-1, 1 << 60),
        ),
        max_size=20,
    )
)
def test_any_messages_come_back(
    given: Sequence[tuple[bytes | None, bytes | None, list[tuple[str, bytes]], int]],
) -> None:
    messages = [
        Incoming(TOPIC, 4, 2 * at, key, value, tuple(headers), time)
        for at, (key, value, headers, time) in enumerate(given)
    ]
    with tempfile.TemporaryDirectory() as folder:
        window = Window(TOPIC, {4: 0}, {4: 2 * len(messages)})
        archive = archive_writer.write(
            Path(folder), DRAFT, window, lambda _: messages, lambda done: None
        )
        assert read(archive) == {4: messages}


def test_messages_greater_than_a_block_come_back(tmp_path: Path) -> None:
    huge = [replace(MESSAGES[0][0], offset=at, value=bytes([at]) * (3 << 20)) for at in (5, 6)]
    archive = archive_writer.write(
        tmp_path, DRAFT, Window(TOPIC, {0: 5}, {0: 7}), lambda _: huge, lambda done: None
    )
    assert read(archive) == {0: huge}


def test_progress_is_counted_in_offsets_of_the_window(tmp_path: Path) -> None:
    told: list[int] = []
    archive_writer.write(tmp_path, DRAFT, WINDOW, MESSAGES.__getitem__, told.append)
    assert told == [0, 3, 4, WINDOW.size]


class CutError(Exception):
    pass


def interrupt(folder: Path) -> None:
    """Write partitions 0 and 1 and a part of 2."""

    def messages(partition: int) -> Iterable[Incoming]:
        yield from MESSAGES[partition]
        if partition == 2:
            raise CutError

    with pytest.raises(CutError):
        archive_writer.write(folder, DRAFT, WINDOW, messages, lambda done: None)


def resumed(folder: Path) -> list[int]:
    """The partitions that were read again to finish it."""
    again: list[int] = []

    def messages(partition: int) -> Iterable[Incoming]:
        again.append(partition)
        return MESSAGES[partition]

    archive = archive_writer.write(folder, DRAFT, WINDOW, messages, lambda done: None)
    assert read(archive) == MESSAGES
    return again


def test_an_interrupted_archive_is_none_and_goes_on_with_what_is_whole(tmp_path: Path) -> None:
    interrupt(tmp_path)
    assert not list(tmp_path.glob("*.tmp"))
    with pytest.raises(ArchiveError, match=r"manifest\.json: No such file"):
        Archive(tmp_path)
    assert resumed(tmp_path) == [2]
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in GOLDEN.iterdir()}


def test_what_is_no_longer_whole_is_written_again(tmp_path: Path) -> None:
    interrupt(tmp_path)
    path = tmp_path / "scan-results-0.avro"
    path.write_bytes(path.read_bytes()[:-1])
    (tmp_path / "scan-results-1.avro").unlink()
    assert resumed(tmp_path) == [0, 1, 2]


def test_what_was_begun_with_another_window_is_written_again(tmp_path: Path) -> None:
    interrupt(tmp_path)
    window = replace(WINDOW, ends={**WINDOW.ends, 0: 6})
    archive = written(tmp_path, window=window)
    assert archive.manifest.window == window


def test_a_folder_of_another_run_is_left_alone(tmp_path: Path) -> None:
    interrupt(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ArchiveError, match="an archive of run 3 was begun here"):
        written(tmp_path, draft=replace(DRAFT, run=4))
    assert contents(tmp_path) == before


@pytest.fixture
def archived(tmp_path: Path) -> Path:
    shutil.copytree(GOLDEN, tmp_path / "archive")
    return tmp_path / "archive"


def test_a_missing_file_is_named(archived: Path) -> None:
    (archived / "scan-results-1.avro").unlink()
    with pytest.raises(ArchiveError, match=r"scan-results-1\.avro: No such file"):
        read(Archive(archived))


def test_a_truncated_file_is_named(archived: Path) -> None:
    path = archived / "scan-results-2.avro"
    path.write_bytes(path.read_bytes()[:-16])
    with pytest.raises(ArchiveError, match=r"scan-results-2\.avro: it has \d+ bytes, the manifest"):
        read(Archive(archived))


def test_a_changed_file_is_named(archived: Path) -> None:
    path = archived / "scan-results-2.avro"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"scan-results-2\.avro: SHA-256 is [0-9a-f]{64}, the"):
        read(Archive(archived))


def test_bytes_that_are_no_container_are_named(archived: Path) -> None:
    (archived / "scan-results-2.avro").write_bytes(b"PK\3\4 something else")
    archive = Archive(archived)
    with pytest.raises(ArchiveError, match=r"scan-results-2\.avro: damaged: "):
        list(archive.messages(archive.by_partition[2]))


def test_a_file_of_another_partition_is_not_taken_for_this_one(archived: Path) -> None:
    shutil.copy(archived / "scan-results-0.avro", archived / "scan-results-2.avro")
    archive = Archive(archived)
    with pytest.raises(ArchiveError, match=r"scan-results-2\.avro: it is of another run or part"):
        list(archive.messages(archive.by_partition[2]))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "Invalid JSON"),
        (b"\xff", "Invalid JSON"),
        (b"[]", "Input should be"),
        (b'{"format": 2, "run": 3, "topic": "x", "facts": {}, "containers": []}', "format: Input"),
        (b'{"format": 1, "run": 3, "topic": "x", "facts": {}}', "containers: Field required"),
        (
            b'{"format": 1, "run": 3, "topic": "", "facts": {}, "containers": [{"partition": -1}]}',
            r"containers\.0\.partition: Input should be greater",
        ),
    ],
)
def test_a_manifest_that_is_none_is_refused(archived: Path, content: bytes, fault: str) -> None:
    (archived / MANIFEST).write_bytes(content)
    with pytest.raises(ArchiveError, match=rf"manifest\.json: .*{fault}"):
        Archive(archived)


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError, match=r"/file: File exists"):
        written(tmp_path / "file")
    with pytest.raises(ArchiveError, match=r"/file/manifest\.json: Not a directory"):
        Archive(tmp_path / "file")


def test_a_full_disk_is_named_and_leaves_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fastavro, "writer", full)
    with pytest.raises(ArchiveError, match=r"scan-results-0\.avro: No space left on device"):
        written(tmp_path)
    assert contents(tmp_path) == {}
