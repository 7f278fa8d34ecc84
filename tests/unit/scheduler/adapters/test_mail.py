import io
from collections.abc import Iterator

import pytest

from services.scheduler.adapters.mail import PrintedMails, SmtpMailer
from services.scheduler.handler.ports import MailError
from tests.mail_server import Received, free_port, mail_server


@pytest.fixture
def received() -> Iterator[tuple[Received, str]]:
    with mail_server() as server:
        yield server


def test_a_mail_arrives_as_it_was_written(received: tuple[Received, str]) -> None:
    handler, address = received
    mailer = SmtpMailer(address, "dnstats@example.test", "team@example.test", tls=False)
    mailer.send("5e1f", "[DNStats] Scan Starting", "Run 7 starts.\nMünchen\n")
    (message,) = handler.messages()
    assert handler.envelopes[0].rcpt_tos == ["team@example.test"]
    assert message["Subject"] == "[DNStats] Scan Starting"
    assert message["Message-ID"] == "<5e1f@example.test>"
    assert message["From"] == "dnstats@example.test"
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().replace("\r\n", "\n") == "Run 7 starts.\nMünchen\n"


def test_a_server_that_does_not_answer_is_named() -> None:
    port = free_port()
    mailer = SmtpMailer(f"127.0.0.1:{port}", "a@example.test", "b@example.test", tls=False)
    with pytest.raises(MailError, match=f"127.0.0.1:{port}: .*refused"):
        mailer.send("5e1f", "subject", "text")


def test_a_server_without_tls_gets_no_mail_that_needs_it(received: tuple[Received, str]) -> None:
    handler, address = received
    mailer = SmtpMailer(address, "a@example.test", "b@example.test", tls=True)
    with pytest.raises(MailError, match="STARTTLS"):
        mailer.send("5e1f", "subject", "text")
    assert not handler.envelopes


def test_without_a_server_mails_are_printed() -> None:
    out = io.StringIO()
    PrintedMails(out).send("5e1f", "[DNStats] Scan Starting", "Run 7 starts.\n")
    assert out.getvalue() == (
        "--- mail 5e1f\nSubject: [DNStats] Scan Starting\n\nRun 7 starts.\n---\n"
    )
