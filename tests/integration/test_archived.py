"""Members that share an archive through a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from services.common.messages.envelope import Incoming
from services.common.messages.window import Window
from services.common.store.database import engine as connect
from services.common.stream import archive_writer
from services.common.stream.archive import Archive, ArchiveError, Manifest
from services.common.stream.settle import ends_of
from services.common.telemetry.health import Pulse
from services.processor.adapters.archived import ArchiveMember
from tests.integration.past_runs import damage

pytestmark = pytest.mark.services

TOPIC = "scan-results"
GROUP = "reprocess-3-1"
MESSAGES = {
    part: [Incoming(TOPIC, part, 10 + 2 * at, b"k", b"v%d" % at, (), 0) for at in range(6)]
    for part in (0, 1)
}


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    connections = connect(database)
    yield connections
    connections.dispose()


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    window = Window(TOPIC, {0: 10, 1: 10, 2: 4}, {0: 25, 1: 25, 2: 4})
    draft = Manifest(1, 3, TOPIC, {}, ())
    read = MESSAGES.__getitem__
    return archive_writer.write(tmp_path, draft, window, lambda p: read(p) if p < 2 else [], _no)


def _no(_: int) -> None:
    pass


def member(archive: Archive, engine: Engine) -> ArchiveMember:
    return ArchiveMember(archive, engine, GROUP, Pulse())


def take(reader: ArchiveMember, count: int) -> list[Incoming]:
    """Read and commit."""
    batch = reader.read(count, 0)
    assert reader.commit(ends_of(batch))
    return batch


def finish(reader: ArchiveMember) -> list[Incoming]:
    found = []
    for _ in range(20):
        found += take(reader, 4)
        if reader.done:
            return found
    raise AssertionError("it does not come to the end")


def positions(engine: Engine) -> dict[int, int]:
    with engine.connect() as connection:
        query = text("SELECT partition, next_offset FROM replay_positions")
        return {row.partition: row.next_offset for row in connection.execute(query)}


def test_one_member_reads_everything_once(archive: Archive, engine: Engine) -> None:
    reader = member(archive, engine)
    assert finish(reader) == MESSAGES[0] + MESSAGES[1]
    assert positions(engine) == {0: 25, 1: 25}
    reader.close()
    again = member(archive, engine)
    assert finish(again) == []
    again.close()


def test_two_members_share_the_partitions(archive: Archive, engine: Engine) -> None:
    one, other = member(archive, engine), member(archive, engine)
    first, second = take(one, 4), take(other, 4)
    assert (first, second) == (MESSAGES[0][:4], MESSAGES[1][:4])
    third = member(archive, engine)
    assert take(third, 4) == []
    assert not third.done
    assert take(one, 4) == MESSAGES[0][4:]
    assert take(one, 4) == []
    assert finish(other) == MESSAGES[1][4:]
    assert finish(one) == finish(third) == []
    one.close()
    other.close()
    third.close()


def test_what_a_dead_member_left_is_read_by_another(archive: Archive, engine: Engine) -> None:
    dead = member(archive, engine)
    take(dead, 4)
    dead.read(1, 0)  # read, and never committed
    dead.close()
    other = member(archive, engine)
    assert finish(other) == MESSAGES[0][4:] + MESSAGES[1]
    other.close()


def test_one_that_is_cut_off_loses_its_claim_and_goes_on(archive: Archive, engine: Engine) -> None:
    reader = member(archive, engine)
    take(reader, 4)
    batch = reader.read(1, 0)
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert reader.commit(ends_of(batch))
    assert positions(engine) == {0: 17}
    assert finish(reader) == MESSAGES[0][4:] + MESSAGES[1]
    reader.close()


def test_paused_it_reads_nothing(archive: Archive, engine: Engine) -> None:
    reader = member(archive, engine)
    reader.pause()
    assert reader.read(4, 0) == []
    reader.resume()
    assert reader.read(4, 0) == MESSAGES[0][:4]
    reader.close()


def test_a_file_that_was_damaged_meanwhile_is_not_read(archive: Archive, engine: Engine) -> None:
    damage(archive.folder / "scan-results-0.avro")
    reader = member(archive, engine)
    with pytest.raises(ArchiveError, match="SHA-256 is"):
        reader.read(4, 0)
    reader.close()
