"""The scan of one site over a world of records."""

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest

from services.common.dns.lookup import Lookup, Question
from services.common.dns.status import Status
from services.common.messages import scan_result
from services.common.messages.scan_request import BatchSite, ScanRequest
from services.common.messages.scan_result import ScanResult
from services.scanner.handler import Origin, SiteScanner
from tests.unit.scanner.world import SITE, World

REQUEST = ScanRequest(
    run_id=7,
    batch=3,
    created_at=0,
    expires_at=10**18,
    secret=b"secret of this run",
    depth="normal",
    sites=(BatchSite(42, "site.test", 5),),
)


def scan(world: World, domain: str = "site.test", cap: int = 200) -> ScanResult:
    ticks = count(1000)
    ids = count(1)
    scanner = SiteScanner(
        lambda run_id: world,
        clock=lambda: next(ticks),
        scan_id=lambda: f"scan {next(ids)}",
        origin=Origin("1.0", "here"),
        cap=cap,
    )
    return asyncio.run(scanner.scan(BatchSite(42, domain, 5), REQUEST))


def statuses(result: ScanResult) -> dict[Question, Status]:
    return {lookup.question: lookup.status for lookup in result.lookups}


def test_the_result_says_what_was_scanned_by_whom_and_when() -> None:
    result = scan(World(SITE))
    assert (result.run_id, result.batch) == (7, 3)
    assert (result.site_id, result.domain, result.rank) == (42, "site.test", 5)
    assert (result.scanner_version, result.vantage) == ("1.0", "here")
    assert result.scan_id == "scan 1"
    assert result.started_at == 1000 < result.finished_at
    assert result.capped == ()
    assert scan_result.decode(result.encode()) == result


def test_a_usual_site_is_asked_in_few_rounds_and_no_question_twice() -> None:
    world = World(SITE)
    result = scan(world)
    assert len(world.asked) == 3
    assert world.asked[0] == (Question("site.test", "SOA"),)
    asked = [question for round_ in world.asked for question in round_]
    assert len(asked) == len(set(asked)) == len(result.lookups)
    assert [lookup.question for lookup in result.lookups] == asked


def test_what_the_answers_name_is_followed() -> None:
    found = statuses(scan(World(SITE)))
    assert found[Question("spf.host.test", "TXT")] is Status.ANSWERED
    assert found[Question("mx.host.test", "A")] is Status.ANSWERED
    assert found[Question("ns2.host.test", "AAAA")] is Status.NODATA
    assert found[Question("site.test._report._dmarc.host.test", "TXT")] is Status.NXDOMAIN


def test_of_a_site_that_does_not_exist_only_the_policy_above_it_is_asked() -> None:
    result = scan(World(SITE), "gone.test")
    assert statuses(result) == {
        Question("gone.test", "SOA"): Status.NXDOMAIN,
        Question("_dmarc.test", "TXT"): Status.NXDOMAIN,
    }


def test_a_site_whose_servers_fail_is_asked_what_every_site_is_asked() -> None:
    result = scan(World({}))
    assert set(statuses(result).values()) == {Status.SERVFAIL}
    assert Question("site.test", "MX") in statuses(result)


def test_what_the_cap_leaves_out_is_recorded() -> None:
    result = scan(World(SITE), cap=10)
    found = list(statuses(result).values())
    assert len(found) - found.count(Status.NOT_ASKED) == 10
    assert result.capped == ("cap",)


@pytest.mark.parametrize("domain", ["", ".", "a..test", "UPPER.test", "x" * 64, "b\u00fccher.test"])
def test_a_domain_that_is_no_name_is_not_asked_but_recorded(domain: str) -> None:
    world = World(SITE)
    result = scan(world, domain)
    assert world.asked == []
    assert result.domain == domain
    (lookup,) = result.lookups
    assert lookup.status is Status.NOT_ASKED
    assert result.capped == ("not a domain name",)


def test_a_clock_that_goes_back_does_not_end_a_scan_before_it_began() -> None:
    times = iter([5000, 3000])
    scanner = SiteScanner(
        lambda run_id: World(SITE),
        clock=lambda: next(times, 2000),
        scan_id=lambda: "id",
        origin=Origin("1.0", "here"),
    )
    result = asyncio.run(scanner.scan(REQUEST.sites[0], REQUEST))
    assert result.finished_at == result.started_at == 5000


def test_each_site_has_an_asker_of_its_run() -> None:
    runs: list[int] = []

    class Silent:
        async def ask(
            self, questions: Sequence[Question], *, checking_disabled: bool = False
        ) -> list[list[Lookup]]:
            return [[World({}).lookup(question)] for question in questions]

    def asker(run_id: int) -> Silent:
        runs.append(run_id)
        return Silent()

    scanner = SiteScanner(
        asker, clock=lambda: 1, scan_id=lambda: "id", origin=Origin("1.0", "here")
    )
    asyncio.run(scanner.scan(REQUEST.sites[0], REQUEST))
    asyncio.run(scanner.scan(REQUEST.sites[0], REQUEST))
    assert runs == [7, 7]
