"""Whether the resolvers answer at all: their outage is not what a site is like."""

import asyncio
from collections.abc import Callable

from services.common.dns.lookup import Question
from services.common.messages.scan_result import ScanResult
from services.common.telemetry.logs import logger
from services.scanner.handler.site import Asker

PAUSE = 1.0
"""Seconds between two probes."""
SETTLE = 9.0
"""Seconds after an outage until the last tries that fell into it are lost (3) and their failures,
which the sites share, are forgotten (5 more)."""
FAULT = "no resolver answers"


class Outage:
    """Waits while no resolver answers anything, and knows whose scan fell into that time.

    `label` gives a new label: a name below `invalid` (RFC 6761 section 6.4) that nobody asked
    before is answered by every resolver and by nobody else. `tell` hears what is wrong, "" when
    it is over.
    """

    def __init__(
        self,
        asker: Callable[[int], Asker],
        *,
        clock: Callable[[], int],
        label: Callable[[], str],
        tell: Callable[[str], None],
    ) -> None:
        self._asker = asker
        self._clock = clock
        self._label = label
        self._tell = tell
        self._turn = asyncio.Lock()
        self._last_silence = -1

    async def spoiled(self, result: ScanResult) -> bool:
        """Whether the site must be scanned again, for the resolvers were away; returns once they
        are back."""
        asked = [lookup for lookup in result.lookups if lookup.attempts]
        heard = sum(bool(lookup.response_size) for lookup in asked)
        if heard == len(asked):
            return False
        if not heard or self._turn.locked():
            async with self._turn:
                await self._wait(result.run_id)
        return result.started_at <= self._last_silence

    async def _wait(self, run_id: int) -> None:
        if await self._answered(run_id):
            return
        self._tell(FAULT)
        while True:
            logger().warning("waiting", fault=FAULT)
            await asyncio.sleep(PAUSE)
            if await self._answered(run_id):
                break
        await asyncio.sleep(SETTLE)
        self._last_silence = self._clock()
        self._tell("")

    async def _answered(self, run_id: int) -> bool:
        probe = Question(f"{self._label()}.invalid", "A")
        (lookups,) = await self._asker(run_id).ask([probe])
        return any(lookup.response_size for lookup in lookups)
