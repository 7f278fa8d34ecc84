"""A past run judged and derived again, without DNS: the same answer every time."""

import json
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dns.exception
import dns.message
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy import text

from deploy.local.process import LocalError
from services.common.dns.lookup import Lookup, Question
from services.common.messages import scan_result
from services.common.messages.envelope import Incoming
from services.common.messages.topics import GRADE_REQUESTS, SCAN_RESULTS
from services.common.stream.archive import Archive
from services.common.stream.archive_writer import write
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.grader.core.catalogue import GRADERS
from services.processor.core.version import VERSION as PROCESSOR
from tests.clock import SHIFT
from tests.integration.pipeline import Machine, machine
from tests.integration.progress import eventually
from tests.integration.release import NEWER_PROCESSOR, newer_grader, release

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

SITES = 150
YEAR = 365 * 86_400
ELSEWHERE = (
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", SHIFT: str(YEAR)},
    {"PYTHONHASHSEED": "4711", "TZ": "America/St_Johns", SHIFT: str(-YEAR)},
)
TABLES = ("site_runs", "grades", "remarks", "failures")

Tables = dict[str, list[str]]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("determinism")) as to:
        to.import_list(SITES)
        yield to


@pytest.fixture(scope="module")
def run(local: Machine) -> Iterator[int]:
    """A finished run whose DNS servers and scanners are gone."""
    number = local.start_run("--wait")
    supervisor = local.pid("supervisor")
    os.kill(supervisor, signal.SIGSTOP)  # it would start them again
    gone = ("world", "scanner-1", "scanner-2")
    for name in gone:
        os.kill(local.pid(name), signal.SIGTERM)
    eventually(lambda: not any(map(local.living, gone)), "the end of DNS")
    yield number
    os.kill(supervisor, signal.SIGCONT)


@pytest.fixture(scope="module")
def original(local: Machine, run: int) -> Tables:
    return _tables(local, run)


@pytest.fixture(scope="module")
def archive(local: Machine, run: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "run"
    local.dnstats("runs", "archive", str(run), "--to", str(folder))
    return folder


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_a_regrade_gives_the_same_anywhere_and_any_time(
    local: Machine, run: int, original: Tables, elsewhere: dict[str, str]
) -> None:
    there = local.with_env(**elsewhere)
    said = json.loads(there.dnstats("regrade", str(run), "--workers", "2", "--json"))
    changed = {row["grader"]: (row["grades"], row["changed"]) for row in said["changes"]}
    assert changed == dict.fromkeys(GRADERS, (SITES, 0))
    assert _tables(local, run) == original
    assert _all_graded_there(local, run, int(elsewhere[SHIFT]))


def test_the_order_of_answers_does_not_count(
    local: Machine, run: int, original: Tables, archive: Path, tmp_path: Path
) -> None:
    shuffled = Shuffled(archive, seed=5)
    shuffled.write(tmp_path / "shuffled")
    assert shuffled.lookups > 20 * SITES
    assert shuffled.responses > SITES
    there = local.with_env(**ELSEWHERE[0])
    there.dnstats("reprocess", str(run), "--from", str(tmp_path / "shuffled"))
    there.dnstats("regrade", str(run))
    assert _tables(local, run) == original


def test_a_shadow_says_what_another_rule_would_do_and_does_nothing(
    local: Machine, run: int, tmp_path: Path
) -> None:
    newer = local.with_code(release(tmp_path / "tree", newer_grader("mx")))
    before = _tables(local, run, but="")
    implicit = _count(local, "grades", run, "grader = 'mx' AND points = 60")
    assert implicit
    said = json.loads(newer.dnstats("regrade", str(run), "--shadow", "--json"))
    changes = {row["grader"]: row for row in said["changes"]}
    assert changes["mx"]["down"] == implicit
    assert changes["mx"]["up"] == changes["spf"]["changed"] == changes["dmarc"]["changed"] == 0
    assert {tuple(row["causes"]) for row in said["causes"]} == {("grader",)}
    assert _tables(local, run, but="") == before


def test_a_run_whose_topics_expired_is_derived_from_its_archive(
    local: Machine, run: int, original: Tables, archive: Path
) -> None:
    _expire(local)
    with pytest.raises(LocalError, match="archive"):
        local.dnstats("reprocess", str(run))
    with pytest.raises(LocalError, match="reprocess"):
        local.dnstats("regrade", str(run))
    local.dnstats("reprocess", str(run), "--from", str(archive))
    local.dnstats("regrade", str(run))
    assert _tables(local, run) == original


def test_grades_follow_another_derivation(
    local: Machine, run: int, archive: Path, tmp_path: Path
) -> None:
    newer = local.with_code(release(tmp_path / "tree", NEWER_PROCESSOR))
    hard = _count(local, "site_runs", run, "spf_policy = '-all'")
    assert hard
    assert _count(local, "remarks", run, "tag = 'MX_NO_IPV6'")
    newer.dnstats("reprocess", str(run), "--from", str(archive))
    assert _count(local, "site_runs", run, "spf_policy = '-ALL'") == hard
    assert _count(local, "site_runs", run, f"processor_version = {PROCESSOR + 1}") == SITES
    derived = f"processor_version = {PROCESSOR + 1}"
    assert _count(local, "grades", run, derived) == SITES * len(GRADERS)
    assert _count(local, "remarks", run, "tag = 'MX_NO_IPV6'") == 0


class Shuffled:
    """A copy of an archive in which the lookups of every site, and the records in every response,
    stand in another order; those of one question stay in the order asked."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._archive = Archive(folder)
        self._chance = random.Random(seed)
        self.lookups = 0
        self.responses = 0

    def write(self, folder: Path) -> None:
        manifest = self._archive.manifest
        draft = replace(manifest, containers=())
        write(folder, draft, manifest.window, self._read, lambda done: None)

    def _read(self, partition: int) -> Iterator[Incoming]:
        for incoming in self._archive.messages(self._archive.by_partition[partition]):
            result = scan_result.decode(incoming.value)
            lookups = tuple(self._reordered(result.lookups))
            self.lookups += sum(a is not b for a, b in zip(lookups, result.lookups, strict=True))
            lookups = tuple(map(self._shaken, lookups))
            yield replace(incoming, value=replace(result, lookups=lookups).encode())

    def _reordered(self, lookups: tuple[Lookup, ...]) -> Iterator[Lookup]:
        by_question: dict[Question, list[Lookup]] = {}
        for lookup in lookups:
            by_question.setdefault(lookup.question, []).append(lookup)
        places = [question for question, asked in by_question.items() for _ in asked]
        self._chance.shuffle(places)
        for question in places:
            yield by_question[question].pop(0)

    def _shaken(self, lookup: Lookup) -> Lookup:
        try:
            message = dns.message.from_wire(lookup.response, one_rr_per_rrset=True)
        except (dns.exception.DNSException, ValueError):
            return lookup
        before = list(message.answer)
        self._chance.shuffle(message.answer)
        if message.answer == before:
            return lookup
        self.responses += 1
        return replace(lookup, response=message.to_wire(max_size=65_535))


def _tables(to: Machine, run: int, but: str = "graded_at") -> Tables:
    """Every row of the run with every column, that one left out."""
    with to.connect() as connection:
        return {
            table: sorted(
                connection.scalars(
                    text(f"SELECT (to_jsonb(t) - :but)::text FROM {table} t WHERE run_id = :run"),
                    {"but": but, "run": run},
                )
            )
            for table in TABLES
        }


def _count(to: Machine, table: str, run: int, where: str) -> int:
    with to.connect() as connection:
        query = text(f"SELECT count(*) FROM {table} WHERE run_id = :run AND {where}")
        return int(connection.scalar(query, {"run": run}) or 0)


def _all_graded_there(to: Machine, run: int, seconds: int) -> bool:
    """The regrade stored every grade, by its own clock."""
    there = f"now() + interval '{seconds} seconds'"
    by_it = f"graded_at BETWEEN {there} - interval '1 hour' AND {there} + interval '1 hour'"
    return _count(to, "grades", run, by_it) == SITES * len(GRADERS)


def _expire(to: Machine) -> None:
    """What retention does once the topics are too old."""
    broker = Broker(to.bootstrap)
    gone = [
        TopicPartition(broker.named(topic), part, end)
        for topic in (SCAN_RESULTS, GRADE_REQUESTS)
        for part, end in Offsets(broker).ends(topic).items()
    ]
    admin = AdminClient(broker.config())
    for done in admin.delete_records(gone).values():
        done.result(60)
