"""A past run derived anew, from its topic and from an archive, on a real broker and database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.messages.envelope import Outgoing, run_header
from services.common.messages.topics import GRADE_REQUESTS, SCAN_RESULTS
from services.common.store import generations
from services.common.stream.offsets import Offsets
from services.common.stream.producer import Producer
from services.processor.core.version import VERSION
from tests.integration.past_runs import BAD, RUN, PastRun, damage, past_run
from tests.integration.streams import until

pytestmark = pytest.mark.services

SITES = 80
REPROCESS = ("reprocess", str(RUN))


@pytest.fixture
def past(
    database: str, kafka: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PastRun]:
    with past_run(database, kafka, topic_prefix, SITES, monkeypatch) as made:
        yield made


def every_site(times: int) -> list[int]:
    """The sites of grade requests that were made so many times."""
    return sorted(list(range(1, SITES + 1)) * times)


def test_the_same_evidence_gives_the_same_rows_and_new_grade_requests(past: PastRun) -> None:
    before = past.site_runs()
    past.change("DELETE FROM site_runs WHERE site_id % 2 = 0")
    past.change(f"INSERT INTO failures VALUES ({RUN}, 2, 'processor', 'it was lost')")
    said = past.said(*REPROCESS, "--workers", "2")
    assert past.site_runs() == before
    assert len(before) == SITES
    assert past.requests() == every_site(2)
    assert (said["generation"], said["site_runs"], said["derived_so"]) == (1, SITES, SITES)
    assert (said["window"], said["failed"], said["source"]) == (SITES, 0, SCAN_RESULTS)
    assert past.query("SELECT site_id FROM failures") == [(SITES + 1,)]
    assert "the books are right" in past.dnstats("runs", "verify", str(RUN)).stdout
    with past.engine.connect() as connection:
        number, window = generations.newest_window(connection, RUN)
    assert (number, window.size) == (1, SITES)
    assert window.ends == Offsets(past.broker).ends(GRADE_REQUESTS)
    assert past.said(*REPROCESS)["generation"] == 2
    assert past.requests() == every_site(3)


def test_a_newer_processor_replaces_and_an_older_one_is_refused(past: PastRun) -> None:
    before = past.site_runs()
    past.change(
        f"UPDATE site_runs SET processor_version = {VERSION - 1}, spf_policy = 'old' WHERE rank = 7"
        " AND site_id <= 40"
    )
    past.change(
        f"UPDATE site_runs SET processor_version = {VERSION + 1}, spf_policy = 'newer'"
        " WHERE site_id > 40"
    )
    done = past.dnstats(*REPROCESS)
    assert done.exit_code == 0, done.output
    assert f"{SITES - 40} stay as another release derived them" in done.stdout
    assert past.site_runs()[:40] == before[:40]
    newer = past.query("SELECT DISTINCT spf_policy FROM site_runs WHERE site_id > 40")
    assert newer == [("newer",)]
    assert past.requests() == every_site(2)


def test_what_cannot_be_derived_is_kept_and_shown(past: PastRun) -> None:
    producer = Producer(past.broker)
    producer.send(Outgoing(SCAN_RESULTS, b"s9.test\0", BAD, (run_header(RUN),), partition=1))
    producer.flush()
    end = Offsets(past.broker).ends(SCAN_RESULTS)[1]
    past.change(
        f"UPDATE run_windows SET end_offset = {end}"
        f" WHERE topic = '{SCAN_RESULTS}' AND partition = 1"
    )
    done = past.dnstats(*REPROCESS)
    assert done.exit_code == 0, done.output
    assert "failed    1" in done.stdout
    assert rf"s9.test\000 (partition 1, offset {end - 1}): not an Avro" in done.stdout
    assert past.requests() == every_site(2)


def test_an_expired_window_names_the_gap_and_the_way_out(past: PastRun) -> None:
    [(start, end)] = past.query(
        "SELECT start_offset, end_offset FROM run_windows"
        f" WHERE topic = '{SCAN_RESULTS}' AND partition = 0"
    )
    past.expire({0: start + 3})
    done = past.dnstats(*REPROCESS)
    assert done.exit_code == 1
    gap = f"partition 0 has lost offsets {start} to {start + 2} of {start} to {end - 1}"
    assert gap in done.stderr
    assert "--from DIR" in done.stderr
    assert past.query("SELECT * FROM generations") == []
    archive = past.dnstats("runs", "archive", str(RUN))
    assert archive.exit_code == 1
    assert gap in archive.stderr


@pytest.mark.parametrize(
    ("state", "number", "status", "fault"),
    [
        ("incomplete", "99", 2, "there is no run 99"),
        ("scanned", str(RUN), 2, f"run {RUN} is scanned: only a closed run can be derived anew"),
    ],
)
def test_what_is_no_closed_run_is_refused(
    past: PastRun, state: str, number: str, status: int, fault: str
) -> None:
    past.change(f"UPDATE runs SET state = '{state}'")
    done = past.dnstats("reprocess", number)
    assert (done.exit_code, done.stderr) == (status, f"{fault}\n")


def test_graders_that_do_not_work_are_named(past: PastRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cli.settled.PATIENCE_SECONDS", 0.0)
    past.change(f"INSERT INTO run_graders VALUES ({RUN}, 'spf')")
    done = past.dnstats(*REPROCESS)
    assert done.exit_code == 1
    assert "nobody works as grader-spf" in done.stdout
    past.change("DELETE FROM generations")
    assert past.dnstats(*REPROCESS, "--no-wait").exit_code == 0


def test_an_archive_replaces_the_topic(past: PastRun, tmp_path: Path) -> None:
    folder = str(tmp_path / "run")
    said = past.said("runs", "archive", str(RUN), "--to", folder)
    assert (said["messages"], said["files"]) == (SITES, 2)
    before = past.site_runs()
    past.change("DELETE FROM site_runs")
    past.expire_all()
    said = past.said(*REPROCESS, "--from", folder, "--workers", "2")
    assert past.site_runs() == before
    assert past.requests() == every_site(2)
    assert (said["failed"], said["source"][:8]) == (0, "archive ")
    assert past.query("SELECT archived_at IS NOT NULL FROM runs") == [(True,)]
    assert past.said("runs", "archive", str(RUN), "--to", folder)["messages"] == SITES


def test_a_damaged_archive_is_refused_before_anything_is_done(
    past: PastRun, tmp_path: Path
) -> None:
    past.said("runs", "archive", str(RUN), "--to", str(tmp_path))
    damage(tmp_path / "scan-results-1.avro")
    for command in (("runs", "archive", str(RUN), "--to"), (*REPROCESS, "--from")):
        done = past.dnstats(*command, str(tmp_path))
        assert done.exit_code == 1
        assert f"{tmp_path}/scan-results-1.avro: SHA-256 is " in done.stderr
    assert past.query("SELECT * FROM generations") == []


def test_an_archive_of_something_else_is_refused(past: PastRun, tmp_path: Path) -> None:
    past.said("runs", "archive", str(RUN), "--to", str(tmp_path))
    past.change(
        f"UPDATE run_windows SET end_offset = end_offset + 1 WHERE topic = '{SCAN_RESULTS}'"
    )
    done = past.dnstats(*REPROCESS, "--from", str(tmp_path))
    assert done.exit_code == 1
    assert f"its window is not that of run {RUN}" in done.stderr
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace(f'"run": {RUN}', '"run": 99'), "utf-8")
    done = past.dnstats(*REPROCESS, "--from", str(tmp_path))
    assert (done.exit_code, done.stderr) == (1, f"{tmp_path}: it is the archive of run 99\n")


@pytest.mark.parametrize("archived", [False, True])
def test_killed_in_the_middle_the_same_command_goes_on(
    past: PastRun, tmp_path: Path, archived: bool
) -> None:
    before = past.site_runs()
    source: tuple[str, ...] = ()
    if archived:
        past.said("runs", "archive", str(RUN), "--to", str(tmp_path))
        source = ("--from", str(tmp_path))
    past.change("DELETE FROM site_runs")
    command = [sys.executable, "-m", "services.cli", *REPROCESS, *source, "--rate", "20"]
    starter = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: len(past.site_runs()) > 10, 60)
        [worker] = children(starter.pid)
        os.kill(worker, signal.SIGKILL)
        _, complaint = starter.communicate(timeout=60)
    finally:
        starter.kill()
        starter.communicate()
    assert starter.returncode == 1
    assert "run the same command again to go on" in complaint
    assert 10 < len(past.site_runs()) < SITES
    said = past.said(*REPROCESS, *source)
    assert said["generation"] == 1
    assert past.site_runs() == before
    assert set(past.requests()) == set(range(1, SITES + 1))


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(number) for number in found.split()]


def test_a_pruned_run_comes_back_from_its_archive(past: PastRun, tmp_path: Path) -> None:
    past.said("runs", "archive", str(RUN), "--to", str(tmp_path))
    before = past.site_runs()
    sites = past.query("SELECT site_id, domain, rank FROM run_sites ORDER BY site_id")
    past.expire_all()
    said = past.said("runs", "prune", "--keep", "0", "--yes")
    assert said["pruned"] == [{"run": RUN, "sites": SITES + 1, "archived": True}]
    assert past.site_runs() == []
    assert past.query("SELECT site_id FROM run_sites") == [(SITES + 1,)]
    assert "pruned" in past.dnstats("runs", "list").stdout
    shown = past.dnstats("runs", "show", str(RUN)).stdout
    assert "its rows are gone" in shown
    assert f"{SITES}  stored" in shown
    verified = past.dnstats("runs", "verify", str(RUN))
    assert "nothing is left to recount" in verified.stdout
    past.said(*REPROCESS, "--from", str(tmp_path))
    assert past.site_runs() == before
    assert past.query("SELECT site_id, domain, rank FROM run_sites ORDER BY site_id") == sites
    assert past.query("SELECT pruned_at, counts FROM runs") == [(None, None)]
    assert "the books are right" in past.dnstats("runs", "verify", str(RUN)).stdout
