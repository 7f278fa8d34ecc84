"""Which results an outage of the resolvers spoils."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.common.dns.lookup import Lookup, Question
from services.common.dns.status import Status
from services.common.messages.scan_result import ScanResult
from services.scanner.handler import Outage, outage
from tests.unit.scanner.world import SITE, World

HEARD = World(SITE).lookup(Question("site.test", "MX"))
SILENT = replace(HEARD, status=Status.TIMEOUT, response=b"", response_size=0)
CUT = replace(HEARD, status=Status.TRUNCATED, response=b"")
NOT_ASKED = replace(SILENT, status=Status.NOT_ASKED, attempts=0)
OUTAGE_ENDS = 1000


def result(*lookups: Lookup, started_at: int = 0) -> ScanResult:
    return ScanResult(
        1, 1, "site.test", 1, 0, "id", started_at, started_at, "1", "here", (), lookups
    )


class Probed:
    """A resolver that answers after so many probes."""

    def __init__(self, silent: int) -> None:
        self.silent = silent
        self.probes = 0

    async def ask(
        self, questions: Sequence[Question], *, checking_disabled: bool = False
    ) -> list[list[Lookup]]:
        self.probes += 1
        return [[SILENT if self.probes <= self.silent else HEARD]]


def watch(asker: Probed) -> tuple[Outage, list[str]]:
    faults: list[str] = []
    made = Outage(
        lambda run_id: asker, clock=lambda: OUTAGE_ENDS, label=lambda: "probe", tell=faults.append
    )
    return made, faults


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "PAUSE", 0.0)
    monkeypatch.setattr(outage, "SETTLE", 0.0)


@pytest.mark.parametrize("lookups", [(HEARD,), (HEARD, SILENT), (HEARD, CUT), (NOT_ASKED,), ()])
def test_a_site_that_heard_something_is_no_sign_of_an_outage(lookups: tuple[Lookup, ...]) -> None:
    asker = Probed(silent=0)
    found, _ = watch(asker)
    assert not asyncio.run(found.spoiled(result(*lookups)))
    assert asker.probes == 0


def test_a_site_that_heard_nothing_is_believed_once_a_probe_is_answered() -> None:
    asker = Probed(silent=0)
    found, faults = watch(asker)
    assert not asyncio.run(found.spoiled(result(SILENT, NOT_ASKED)))
    assert (asker.probes, faults) == (1, [])


def test_an_outage_spoils_what_began_before_its_end() -> None:
    asker = Probed(silent=3)
    found, faults = watch(asker)

    async def check() -> None:
        assert await found.spoiled(result(SILENT))
        assert (asker.probes, faults) == (4, ["no resolver answers", ""])
        assert await found.spoiled(result(HEARD, SILENT, started_at=OUTAGE_ENDS))
        assert not await found.spoiled(result(HEARD, SILENT, started_at=OUTAGE_ENDS + 1))
        assert not await found.spoiled(result(HEARD, started_at=0))

    asyncio.run(check())


def test_all_that_heard_nothing_wait_for_the_same_end() -> None:
    asker = Probed(silent=2)
    found, faults = watch(asker)

    async def check() -> None:
        spoiled = await asyncio.gather(*(found.spoiled(result(SILENT)) for _ in range(5)))
        assert spoiled == [True] * 5
        assert faults == ["no resolver answers", ""]

    asyncio.run(check())


def test_a_site_that_heard_a_part_during_an_outage_waits_for_its_end() -> None:
    """It began after the last silent probe and joined questions that had lost their tries."""
    asker = Probed(silent=2)
    found = Outage(
        lambda run_id: asker,
        clock=lambda: OUTAGE_ENDS if asker.probes > 2 else 10,
        label=lambda: "probe",
        tell=lambda fault: None,
    )

    async def check() -> None:
        first = asyncio.create_task(found.spoiled(result(SILENT, started_at=0)))
        while asker.probes < 2:
            await asyncio.sleep(0)
        assert await found.spoiled(result(HEARD, SILENT, started_at=50))
        assert await first

    asyncio.run(check())
