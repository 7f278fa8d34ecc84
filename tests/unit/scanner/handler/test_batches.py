"""The scan of batches, between a feed and an outbox in memory."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from services.common.dns.lookup import Lookup, Question
from services.common.dns.status import Status
from services.common.messages import scan_result
from services.common.messages.envelope import BrokenError, Incoming, InvalidError, Outgoing
from services.common.messages.scan_request import BatchSite, ScanRequest
from services.common.messages.scan_result import ScanResult
from services.common.messages.topics import SCAN_REQUESTS, SCAN_RESULTS
from services.scanner.core import failures
from services.scanner.core.batches import CLOCKS_APART
from services.scanner.handler import BatchScanner, Origin, Outage, SiteScanner, batches, outage
from services.scanner.handler.batches import TooManyFailuresError
from tests.unit.scanner.world import SITE, World

NOW = 1_000_000


class MemoryFeed:
    """Gives its messages, then ends. `log` holds what was finished, in order."""

    def __init__(self, messages: Sequence[Incoming], log: list[object]) -> None:
        self._messages = messages
        self.log = log
        self.then: Callable[[], Awaitable[None]] | None = None

    async def __aiter__(self) -> AsyncIterator[Incoming]:
        for message in self._messages:
            yield message
        if self.then is not None:
            await self.then()

    def done(self, incoming: Incoming) -> None:
        self.log.append(("done", incoming.offset))

    def refuse(self, incoming: Incoming, fault: InvalidError) -> None:
        self.log.append(("refused", incoming.offset, str(fault)))


class MemoryOutbox:
    def __init__(self, log: list[object]) -> None:
        self.log = log
        self.sent: list[Outgoing] = []
        self.failures = 0

    def send(self, message: Outgoing) -> None:
        if self.failures:
            self.failures -= 1
            raise BrokenError("no broker")
        assert threading.current_thread() is not threading.main_thread()
        self.sent.append(message)
        self.log.append(("sent", message.key))

    @property
    def results(self) -> dict[str, ScanResult]:
        return {r.domain: r for r in (scan_result.decode(m.value) for m in self.sent)}


class Gate(World):
    """A world that answers nothing until it is opened."""

    def __init__(self) -> None:
        super().__init__(SITE)
        self.open = asyncio.Event()
        self.waiting = 0

    async def ask(
        self, questions: Sequence[Question], *, checking_disabled: bool = False
    ) -> list[list[Lookup]]:
        self.waiting += 1
        await self.open.wait()
        return await super().ask(questions)


class Bench:
    """A batch scanner with everything around it."""

    def __init__(self, *messages: Incoming, world: World | None = None, **options: object) -> None:
        self.log: list[object] = []
        self.feed = MemoryFeed(messages, self.log)
        self.outbox = MemoryOutbox(self.log)
        self.world = World(SITE) if world is None else world
        self.closed_runs: dict[int, int] = {}
        self.faults: list[str] = []
        scanner = SiteScanner(
            lambda run_id: self.world,
            clock=lambda: NOW,
            scan_id=lambda: "id",
            origin=Origin("1.0", "here"),
        )
        watch = Outage(
            lambda run_id: self.world,
            clock=lambda: NOW,
            label=lambda: "probe",
            tell=self.faults.append,
        )
        self.scanner = BatchScanner(
            scanner,
            watch,
            self.outbox,
            clock=lambda: NOW,
            closed_runs=self.closed_runs,
            **options,  # type: ignore[arg-type]
        )

    async def run(self) -> None:
        await self.scanner.run(self.feed)


def message(
    offset: int, *domains: str, run_id: int = 1, expires_at: int = NOW + 1, partition: int = 0
) -> Incoming:
    sites = tuple(BatchSite(number, domain, number) for number, domain in enumerate(domains))
    request = ScanRequest(run_id, offset, 0, expires_at, b"secret", "normal", sites)
    return _incoming(offset, request.encode(), partition)


def _incoming(offset: int, value: bytes | None, partition: int = 0) -> Incoming:
    return Incoming(SCAN_REQUESTS, partition, offset, None, value, (), 0)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "GATHER_SECONDS", 0.0)
    monkeypatch.setattr(batches, "FIRST_WAIT", 0.0)
    monkeypatch.setattr(outage, "PAUSE", 0.0)
    monkeypatch.setattr(outage, "SETTLE", 0.0)


def test_every_site_has_a_result_and_its_batch_is_done_after_all_of_them() -> None:
    async def check() -> None:
        bench = Bench(message(0, "site.test", "gone.test"), message(1, "host.test"))
        await bench.run()
        assert set(bench.outbox.results) == {"site.test", "gone.test", "host.test"}
        for offset, keys in ((0, (b"site.test", b"gone.test")), (1, (b"host.test",))):
            for key in keys:
                assert bench.log.index(("sent", key)) < bench.log.index(("done", offset))

    asyncio.run(check())


def test_a_result_has_the_key_and_the_header_of_its_site_and_run() -> None:
    async def check() -> None:
        bench = Bench(message(0, "site.test", run_id=12))
        await bench.run()
        (sent,) = bench.outbox.sent
        assert (sent.topic, sent.key, sent.partition) == (SCAN_RESULTS, b"site.test", None)
        assert sent.headers == (("run_id", b"12"),)

    asyncio.run(check())


def test_expired_and_closed_batches_are_finished_without_a_question() -> None:
    async def check() -> None:
        bench = Bench(
            message(0, "site.test", expires_at=NOW - CLOCKS_APART),
            message(1, "site.test", run_id=9),
        )
        bench.closed_runs[9] = 2**60
        await bench.run()
        assert bench.log == [("done", 0), ("done", 1)]
        assert bench.world.asked == []

    asyncio.run(check())


def test_a_batch_without_sites_is_done() -> None:
    async def check() -> None:
        bench = Bench(message(0))
        await bench.run()
        assert bench.log == [("done", 0)]

    asyncio.run(check())


@pytest.mark.parametrize("value", [None, b"", b"garbage", message(0, "site.test").value])
def test_a_message_that_cannot_be_read_is_refused_with_the_reason(value: bytes | None) -> None:
    async def check() -> None:
        damaged = value[:-1] if value and len(value) > 20 else value
        bench = Bench(_incoming(0, damaged), message(1, "site.test"))
        await bench.run()
        (refusal,) = [entry for entry in bench.log if entry[0] == "refused"]  # type: ignore[index]
        assert refusal[1] == 0  # type: ignore[index]
        assert refusal[2]  # type: ignore[index]
        assert ("done", 1) in bench.log

    asyncio.run(check())


def test_the_sites_in_flight_are_bounded_over_all_batches() -> None:
    async def check() -> None:
        gate = Gate()
        bench = Bench(
            *(message(offset, "site.test", "host.test", "gone.test") for offset in range(4)),
            world=gate,
            sites_in_flight=5,
        )
        running = asyncio.create_task(bench.run())
        while gate.waiting < 5:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert gate.waiting == 5
        gate.open.set()
        await running
        assert len(bench.outbox.sent) == 12
        assert {entry for entry in bench.log if entry[0] == "done"} == {  # type: ignore[index]
            ("done", offset) for offset in range(4)
        }

    asyncio.run(check())


def test_while_the_broker_is_away_nothing_is_lost_or_done() -> None:
    async def check() -> None:
        bench = Bench(message(0, "site.test", "host.test"))
        bench.outbox.failures = 3
        await bench.run()
        assert bench.outbox.failures == 0
        assert sorted(m.key or b"" for m in bench.outbox.sent) == [b"host.test", b"site.test"]
        assert bench.log[-1] == ("done", 0)

    asyncio.run(check())


class Broken(World):
    """Raises for one site what nobody expects."""

    async def ask(
        self, questions: Sequence[Question], *, checking_disabled: bool = False
    ) -> list[list[Lookup]]:
        if questions[0].name.startswith("bad"):
            raise RuntimeError("a mistake of ours")
        return await super().ask(questions)


def test_a_scan_that_raises_becomes_a_result_that_says_so() -> None:
    async def check() -> None:
        bench = Bench(message(0, "bad.test", "site.test"), world=Broken(SITE))
        await bench.run()
        assert bench.outbox.results["bad.test"].capped == ("scan failed: RuntimeError",)
        assert bench.outbox.results["site.test"].capped == ()
        assert bench.log[-1] == ("done", 0)

    asyncio.run(check())


def test_too_many_scans_that_raise_end_the_service_with_the_batch_unfinished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(failures, "MOST", 2)

    async def check() -> None:
        domains = [f"bad{number}.test" for number in range(3)]
        bench = Bench(message(0, *domains), world=Broken(SITE))
        with pytest.raises(ExceptionGroup) as group:
            await bench.run()
        assert group.value.subgroup(TooManyFailuresError) is not None
        assert ("done", 0) not in bench.log

    asyncio.run(check())


def test_a_scan_that_hangs_is_given_up_at_its_age() -> None:
    async def check() -> None:
        bench = Bench(message(0, "site.test"), world=Gate(), site_age=0.0)
        await bench.run()
        assert bench.outbox.results["site.test"].capped == ("age",)
        assert bench.log[-1] == ("done", 0)

    asyncio.run(check())


def test_a_revoked_partition_is_given_up_and_the_others_go_on() -> None:
    async def check() -> None:
        gate = Gate()
        bench = Bench(
            message(0, "site.test", "host.test", partition=0),
            message(1, "gone.test", partition=1),
            world=gate,
        )
        running = asyncio.create_task(bench.run())
        while gate.waiting < 3:
            await asyncio.sleep(0)
        await bench.scanner.release(frozenset({0}))
        gate.open.set()
        await running
        assert [sent.key for sent in bench.outbox.sent] == [b"gone.test"]
        assert [entry for entry in bench.log if entry[0] == "done"] == [("done", 1)]  # type: ignore[index]

    asyncio.run(check())


def test_revoked_sites_give_their_places_to_others() -> None:
    async def check() -> None:
        gate = Gate()
        bench = Bench(
            message(0, *[f"s{number}.test" for number in range(5)], partition=0),
            message(1, "gone.test", "site.test", partition=1),
            world=gate,
            sites_in_flight=2,
        )
        running = asyncio.create_task(bench.run())
        while gate.waiting < 2:
            await asyncio.sleep(0)
        await bench.scanner.release(frozenset({0}))
        gate.open.set()
        await running
        assert set(bench.outbox.results) == {"gone.test", "site.test"}

    asyncio.run(check())


def test_release_waits_for_the_results_of_what_is_finished() -> None:
    async def check() -> None:
        bench = Bench(message(0, "gone.test"))
        bench.outbox.failures = 2

        async def revoke() -> None:
            while not bench.world.asked:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            await bench.scanner.release(frozenset({0}))
            assert bench.log == [("sent", b"gone.test"), ("done", 0)]

        bench.feed.then = revoke
        await bench.run()

    asyncio.run(check())


def test_what_ends_the_feed_comes_out() -> None:
    async def check() -> None:
        async def fail() -> None:
            raise RuntimeError("consumer died")

        bench = Bench(message(0, "site.test"))
        bench.feed.then = fail
        with pytest.raises(ExceptionGroup) as group:
            await bench.run()
        assert group.value.subgroup(RuntimeError) is not None

    asyncio.run(check())


class Away(World):
    """A resolver that does not answer the first so many rounds; one of a dead world answers
    nothing but that a name below `invalid` does not exist."""

    def __init__(self, rounds: int, dead: bool = False) -> None:
        super().__init__(SITE)
        self.rounds = rounds
        self.dead = dead

    async def ask(
        self, questions: Sequence[Question], *, checking_disabled: bool = False
    ) -> list[list[Lookup]]:
        self.rounds -= 1
        answers = await super().ask(questions)
        if self.rounds >= 0 or (self.dead and not questions[0].name.endswith(".invalid")):
            return [[silent(lookup) for lookup in lookups] for lookups in answers]
        return answers


def silent(lookup: Lookup) -> Lookup:
    return replace(lookup, status=Status.TIMEOUT, response=b"", response_size=0)


def test_an_outage_of_the_resolvers_is_waited_out_and_the_site_scanned_again() -> None:
    async def check() -> None:
        bench = Bench(message(0, "site.test"), world=Away(6))
        await bench.run()
        (result,) = bench.outbox.results.values()
        assert all(lookup.response for lookup in result.lookups)
        assert bench.faults == ["no resolver answers", ""]
        assert bench.log[-1] == ("done", 0)

    asyncio.run(check())


def test_a_site_that_never_answers_is_recorded_while_the_resolvers_answer() -> None:
    async def check() -> None:
        bench = Bench(message(0, "site.test"), world=Away(0, dead=True))
        await bench.run()
        (result,) = bench.outbox.results.values()
        assert {lookup.status for lookup in result.lookups} == {Status.TIMEOUT}
        assert bench.faults == []

    asyncio.run(check())
