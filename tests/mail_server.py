"""A mail server on loopback that keeps what it is sent."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Received:
    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(  # noqa: N802  # the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.envelopes.append(envelope)
        return "250 taken"

    def messages(self) -> list[Message]:
        contents = [envelope.content for envelope in self.envelopes]
        return [
            message_from_bytes(content, policy=default)
            for content in contents
            if isinstance(content, bytes)
        ]


@contextmanager
def mail_server(port: int | None = None) -> Iterator[tuple[Received, str]]:
    """What the server has received, and its address as host:port."""
    handler = Received()
    controller = Controller(handler, hostname="127.0.0.1", port=port or free_port())
    controller.start()
    try:
        yield handler, f"127.0.0.1:{controller.port}"
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
