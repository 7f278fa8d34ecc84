"""One query over TCP (RFC 7766), for the answers that UDP cannot carry."""

import asyncio
from contextlib import suppress

from services.scanner.adapters.endpoints import Endpoint


async def exchange(endpoint: Endpoint, query: bytes, timeout: float) -> bytes:
    """The response to one query; at most 64 KiB by its own length field.

    `timeout` (seconds) bounds the whole of it, so that a server that trickles holds nothing.
    Raises OSError (TimeoutError among them) where no whole response came.
    """
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        try:
            writer.write(len(query).to_bytes(2) + query)
            size = int.from_bytes(await reader.readexactly(2))
            return await reader.readexactly(size)
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError(f"{endpoint} closed after {len(error.partial)} B") from error
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()
