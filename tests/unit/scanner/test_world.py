"""The world of the tests keeps the contract of the port that it stands in for."""

import asyncio

from tests.unit.scanner.asker_contract import RECORDS, check_asker
from tests.unit.scanner.world import World


def test_the_world_is_an_asker() -> None:
    asyncio.run(check_asker(World(RECORDS)))
