"""Serve a world: `python -m deploy.local.world --port 5300 --targets targets.json`."""

import argparse
import asyncio
import json
import signal
import sys
from functools import partial
from pathlib import Path

import uvloop

from deploy.local.ports import LOOPBACK
from deploy.local.world import bundled
from deploy.local.world.model import Site, World
from deploy.local.world.records import RecordsWorld
from deploy.local.world.records_index import BadRecordsError
from deploy.local.world.respond import authoritative, recursive
from deploy.local.world.server import Listener, Responder, listen


def main() -> None:
    options = _options()
    try:
        world, sites = load(options.records, options.scale)
    except (OSError, BadRecordsError, bundled.BadSituationError) as error:
        sys.exit(f"world: {error}")
    if options.list:
        lines = "".join(f"{site.rank},{site.domain}\n" for site in sites)
        options.list.write_text(lines, "utf-8")
    uvloop.run(_serve(world, options.port, options.targets))


def load(records: Path | None, scale: int = 1) -> tuple[World, list[Site]]:
    """The bundled world, or that of a file of records. Raises OSError, BadRecordsError."""
    if records is None:
        return bundled.build(scale)
    world = RecordsWorld(records)
    return world, world.sites()


async def _serve(world: World, port: int, targets: Path | None) -> None:
    """Answers as resolver on `port` and as every name server on ports of their own, until a
    signal ends it. The resolver comes last: where it answers, the map is written."""
    by_zones: dict[frozenset[str], Listener] = {}
    held = world.servers
    for zones in held.values():
        if zones not in by_zones:
            by_zones[zones] = await listen(Responder(partial(authoritative, world, zones)))
    published = {address: f"{LOOPBACK}:{by_zones[zones].port}" for address, zones in held.items()}
    if targets:
        targets.write_text(json.dumps(published, indent=1), "utf-8")
    resolver = await listen(Responder(partial(recursive, world)), port)
    said = {"resolver": f"{LOOPBACK}:{resolver.port}", "servers": len(published)}
    print(json.dumps(said), flush=True)
    await _until_signal()
    for listener in (resolver, *by_zones.values()):
        listener.close()


async def _until_signal() -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="world", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the resolver; 0 takes a free one")
    parser.add_argument("--targets", type=Path, help="write the map of published addresses here")
    parser.add_argument("--list", type=Path, help="write the ranked list here")
    parser.add_argument("--records", type=Path, help="serve this file of records (JSON lines)")
    parser.add_argument("--scale", type=int, default=1, help="times the bundled sites")
    return parser.parse_args()


if __name__ == "__main__":
    main()
