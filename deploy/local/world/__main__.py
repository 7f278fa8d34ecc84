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
from deploy.local.world.server import Responder, open_tcp, open_udp


def main() -> None:
    options = _options()
    try:
        world, sites = load(options.records)
    except (OSError, BadRecordsError, bundled.BadSituationError) as error:
        sys.exit(f"world: {error}")
    if options.list:
        lines = "".join(f"{site.rank},{site.domain}\n" for site in sites)
        options.list.write_text(lines, "utf-8")
    uvloop.run(_serve(world, options.port, options.targets))


def load(records: Path | None) -> tuple[World, list[Site]]:
    """The bundled world, or that of a file of records. Raises OSError, BadRecordsError."""
    if records is None:
        return bundled.build()
    world = RecordsWorld(records)
    return world, world.sites()


async def _serve(world: World, port: int, targets: Path | None) -> None:
    """Answers as resolver on `port` and as every name server on ports of their own, until a
    signal ends it. Says on stdout when it is ready."""
    loop = asyncio.get_running_loop()
    resolver = Responder(partial(recursive, world))
    sockets = [open_udp(loop, resolver, port)]
    port = sockets[0].getsockname()[1]
    servers = [await open_tcp(resolver, port)]
    by_zones: dict[frozenset[str], str] = {}
    published: dict[str, str] = {}
    for address, zones in world.servers.items():
        if zones not in by_zones:
            responder = Responder(partial(authoritative, world, zones))
            sockets.append(open_udp(loop, responder, 0))
            own = sockets[-1].getsockname()[1]
            servers.append(await open_tcp(responder, own))
            by_zones[zones] = f"{LOOPBACK}:{own}"
        published[address] = by_zones[zones]
    if targets:
        targets.write_text(json.dumps(published, indent=1), "utf-8")
    print(json.dumps({"resolver": f"{LOOPBACK}:{port}", "servers": len(published)}), flush=True)
    await _until_signal(loop)
    for server in servers:
        server.close()
    for sock in sockets:
        loop.remove_reader(sock)
        sock.close()


async def _until_signal(loop: asyncio.AbstractEventLoop) -> None:
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
    return parser.parse_args()


if __name__ == "__main__":
    main()
