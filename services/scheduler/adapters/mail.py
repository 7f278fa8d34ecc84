"""Mails by SMTP, or printed."""

import smtplib
import ssl
import sys
from email.message import EmailMessage
from email.policy import SMTP
from typing import TextIO

from services.scheduler.handler.ports import MailError

TIMEOUT = 10.0
"""Seconds for each step of a delivery."""


class SmtpMailer:
    """The port `Mailer`. `server` is host:port."""

    def __init__(
        self, server: str, sender: str, to: str, *, user: str = "", password: str = "", tls: bool
    ) -> None:
        host, _, port = server.rpartition(":")
        self._host, self._port = host, int(port)
        self._sender, self._to = sender, to
        self._user, self._password = user, password
        self._tls = tls

    def send(self, name: str, subject: str, text: str) -> None:
        message = _message(name, subject, text, self._sender, self._to)
        try:
            with smtplib.SMTP(self._host, self._port, timeout=TIMEOUT) as client:
                if self._tls:
                    client.starttls(context=ssl.create_default_context())
                if self._user:
                    client.login(self._user, self._password)
                client.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(f"{self._host}:{self._port}: {error}") from error


class PrintedMails:
    """The port `Mailer` where there is no mail server: each mail is printed."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out

    def send(self, name: str, subject: str, text: str) -> None:
        print(f"--- mail {name}\nSubject: {subject}\n\n{text}---", file=self._out, flush=True)


def _message(name: str, subject: str, text: str, sender: str, to: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = f"<{name}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message
