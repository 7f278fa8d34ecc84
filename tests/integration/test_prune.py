"""Pruning on a real database: what goes, what stays, and going on after a kill."""

from collections.abc import Iterator

import pytest

from services.common.store import partitions
from tests.integration.past_runs import RUN, PastRun, stored_run

pytestmark = pytest.mark.services

SITES = 5


@pytest.fixture
def past(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PastRun]:
    with stored_run(database, SITES, monkeypatch) as made:
        yield made


def test_nothing_is_removed_in_a_dry_run_or_without_a_yes(past: PastRun) -> None:
    before = past.site_runs()
    done = past.dnstats("runs", "prune", "--keep", "0", "--dry-run")
    assert f"run {RUN} of " in done.stdout
    assert "it has no archive: what is removed is lost" in done.stdout
    assert past.dnstats("runs", "prune", "--keep", "0").exit_code == 1  # nobody answers
    assert past.site_runs() == before


def test_open_runs_and_unfinished_replays_stay(past: PastRun) -> None:
    past.change(
        "INSERT INTO generations VALUES"
        f" ({RUN}, 1, 'scan-results', 1, 1, 'world', '{{}}', NULL, NULL, now())"
    )
    done = past.dnstats("runs", "prune", "--keep", "0", "--yes")
    assert f"run {RUN} stays: reprocess-{RUN}-1 is not finished" in done.stdout
    assert len(past.site_runs()) == SITES
    past.change("UPDATE runs SET state = 'scanned', finished_at = NULL")
    past.change("DELETE FROM generations")
    assert "nothing is to be pruned" in past.dnstats("runs", "prune", "--keep", "0").stdout
    assert len(past.site_runs()) == SITES


def test_what_is_abandoned_goes(past: PastRun) -> None:
    past.change(
        "INSERT INTO regrades (run_id, generation, versions, reference_version, shadow, force,"
        f" created_at) VALUES ({RUN}, 0, '{{}}', 1, true, false, now())"
    )
    past.change("INSERT INTO replay_failures VALUES ('regrade-1', 'grader-spf', 0, 0, 'a', 'b')")
    said = past.said("runs", "prune", "--keep", "0", "--yes", "--abandon")
    assert [run["run"] for run in said["pruned"]] == [RUN]
    for table in ("site_runs", "regrades", "replay_failures"):
        assert past.query(f"SELECT * FROM {table}") == []
    assert past.query("SELECT counts ->> 'stored' FROM runs") == [(str(SITES),)]


@pytest.mark.parametrize("keep", ["1", "1d"])
def test_what_is_to_be_kept_is_kept(past: PastRun, keep: str) -> None:
    assert past.said("runs", "prune", "--keep", keep, "--yes")["pruned"] == []
    assert len(past.site_runs()) == SITES


def test_interrupted_it_goes_on_with_the_first_counts(
    past: PastRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = partitions.drop

    def cut(*given: object) -> None:
        drop(*given)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(partitions, "drop", cut)
    assert past.dnstats("runs", "prune", "--keep", "0", "--yes").exit_code != 0
    assert past.query("SELECT pruned_at FROM runs") == [(None,)]
    monkeypatch.setattr(partitions, "drop", drop)
    past.said("runs", "prune", "--keep", "0", "--yes")
    assert past.query("SELECT pruned_at IS NULL, counts ->> 'stored' FROM runs") == [
        (False, str(SITES))
    ]
    assert past.query("SELECT site_id FROM run_sites") == [(SITES + 1,)]


@pytest.mark.parametrize("keep", ["", "x", "-1", "3 d", "3w", "٣"])
def test_what_is_neither_number_nor_days_is_refused(past: PastRun, keep: str) -> None:
    done = past.dnstats("runs", "prune", f"--keep={keep}")
    assert done.exit_code == 2
    assert f"--keep {keep!r}: neither a number of runs (30) nor of days (90d)" in done.stderr
