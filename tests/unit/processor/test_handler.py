from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.common.messages.envelope import Incoming, InvalidError
from services.common.messages.grade_request import GradeRequestReader
from services.common.reference.load import load
from services.processor.core.derive import derive
from services.processor.core.site_run import SiteRun
from services.processor.handler import Processor, SiteRuns
from tests.unit.processor.contract import RUN, SiteRunsContract, Stored, plain
from tests.unit.processor.scan import scan
from tests.unit.scanner.world import SITE

WORLD = load("world")
RESULT = scan("site.test", SITE)
SECTIONS = ("spf", "dmarc", "mx")


class FakeSiteRuns:
    """Keeps rows of `RUN` in memory."""

    def __init__(self) -> None:
        self.rows: dict[int, SiteRun] = {}

    def store(self, rows: Sequence[SiteRun]) -> None:
        if any(row.run_id != RUN for row in rows):
            raise InvalidError("no such run in site_runs")
        for row in rows:
            known = self.rows.get(row.site_id)
            if known is None or self._order(row) >= self._order(known):
                self.rows[row.site_id] = _from_where(known, row)

    @staticmethod
    def _order(row: SiteRun) -> tuple[int, str, int, int]:
        return row.finished_at, row.scan_id, row.processor_version, row.reference_version


def _from_where(known: SiteRun | None, row: SiteRun) -> SiteRun:
    """A copy of the scan result that is known keeps where that was from."""
    if known is None or known.scan_id != row.scan_id:
        return row
    return replace(
        row,
        source_topic=known.source_topic,
        source_partition=known.source_partition,
        source_offset=known.source_offset,
    )


class TestFakeSiteRuns(SiteRunsContract):
    @pytest.fixture
    def store(self) -> SiteRuns:
        return FakeSiteRuns()

    def stored(self, store: SiteRuns) -> Stored:
        assert isinstance(store, FakeSiteRuns)
        return {site: plain(row) for site, row in store.rows.items()}


def incoming(value: bytes | None, offset: int = 0) -> Incoming:
    return Incoming("scan-results", 1, offset, b"site.test", value, (), 0)


def test_each_result_is_stored_with_its_source_and_sent_on() -> None:
    store = FakeSiteRuns()
    other = replace(RESULT, site_id=6, domain="other.test")
    outgoing = Processor(store, WORLD)(
        [incoming(RESULT.encode(), 40), incoming(other.encode(), 41)]
    )
    assert [
        (row.site_id, row.source_partition, row.source_offset) for row in store.rows.values()
    ] == [
        (5, 1, 40),
        (6, 1, 41),
    ]
    assert [(one.topic, one.key, one.headers, one.partition) for one in outgoing] == [
        ("grade-requests", b"site.test", (("run_id", b"3"),), None),
        ("grade-requests", b"other.test", (("run_id", b"3"),), None),
    ]


def test_a_request_holds_what_was_derived() -> None:
    (outgoing,) = Processor(FakeSiteRuns(), WORLD)([incoming(RESULT.encode())])
    request = GradeRequestReader(SECTIONS).decode(outgoing.value)
    derived = derive(RESULT, WORLD)
    assert request.sections == derived.sections
    row = derived.site_run
    assert (request.run_id, request.site_id, request.domain, request.rank) == (3, 5, "site.test", 7)
    assert (request.scan_id, request.finished_at) == (row.scan_id, row.finished_at)
    assert (request.reference_name, request.reference_version) == ("world", WORLD.version)
    assert request.processor_version == row.processor_version


def test_an_outdated_result_is_sent_on_all_the_same() -> None:
    store = FakeSiteRuns()
    handle = Processor(store, WORLD)
    handle([incoming(replace(RESULT, finished_at=RESULT.finished_at + 1).encode())])
    assert len(handle([incoming(RESULT.encode())])) == 1
    assert store.rows[5].finished_at == RESULT.finished_at + 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "not an Avro"),
        (b"", "not an Avro"),
        (b"\xc3\x01" + bytes(20), "fingerprint"),
        (RESULT.encode()[:-1], "cut off"),
        (RESULT.encode() + b"x", "1 bytes after"),
        (replace(RESULT, domain="Site.test").encode(), "domain 'Site.test': it is not in its"),
        (replace(RESULT, domain="site..test").encode(), "empty label"),
        (replace(RESULT, domain="").encode(), "domain ''"),
        (replace(RESULT, domain="sité.test").encode(), "outside ASCII"),
        (replace(RESULT, scan_id="7").encode(), "scan id '7' is no UUID"),
        (replace(RESULT, scan_id=RESULT.scan_id.upper()).encode(), "is no UUID"),
        (replace(RESULT, started_at=RESULT.finished_at + 1).encode(), "ended before it began"),
        (
            replace(RESULT, lookups=(replace(RESULT.lookups[0], rdtype="?"),)).encode(),
            "site.test: impossible evidence: '\\?' is no record type",
        ),
    ],
)
def test_what_can_never_be_processed_says_why(value: bytes | None, reason: str) -> None:
    store = FakeSiteRuns()
    with pytest.raises(InvalidError, match=reason):
        Processor(store, WORLD)([incoming(RESULT.encode()), incoming(value)])
    assert store.rows == {}


@pytest.mark.parametrize("error", [KeyError("zone"), IndexError("at 7"), RecursionError("deep")])
def test_whatever_the_derivation_stumbles_over_is_a_fault_of_the_evidence(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def stumble(*_: object) -> None:
        raise error

    monkeypatch.setattr("services.processor.handler.derive", stumble)
    reason = rf"site.test: impossible evidence: {type(error).__name__}\("
    with pytest.raises(InvalidError, match=reason):
        Processor(FakeSiteRuns(), WORLD)([incoming(RESULT.encode())])


def test_want_of_memory_is_no_fault_of_the_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    def starve(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("services.processor.handler.derive", starve)
    with pytest.raises(MemoryError):
        Processor(FakeSiteRuns(), WORLD)([incoming(RESULT.encode())])
