"""`dnstats doctor`: what is wrong around the services, and what to do about it."""

import asyncio
import json
import smtplib
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from services.cli.fail import FAILED
from services.cli.running import missing
from services.common.config import load
from services.common.dns.lookup import Question
from services.common.dns.status import Status
from services.common.messages.envelope import BrokenError
from services.common.store import database
from services.common.stream import topics
from services.common.stream.broker import Broker
from services.scanner.adapters.endpoints import Endpoint, endpoints
from services.scanner.adapters.resolver import Resolver
from services.scheduler.adapters.topics import BrokerTopics
from services.scheduler.settings import Settings

SMTP_SECONDS = 5.0
SILENT = frozenset({Status.TIMEOUT, Status.NETWORK})


@dataclass(frozen=True, slots=True)
class Finding:
    """`mend` is empty where nothing is wrong."""

    part: str
    found: str
    mend: str = ""

    @property
    def well(self) -> bool:
        return not self.mend


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs")] = False) -> None:
    """Check all that a run needs; exits with 1 where anything is wrong."""
    settings = load(Settings)
    findings = [examine(settings) for examine in EXAMINATIONS]
    if as_json:
        print(json.dumps([asdict(f) | {"well": f.well} for f in findings], indent=2))
    else:
        _show(Console(highlight=False), findings)
    sys.exit(0 if all(finding.well for finding in findings) else FAILED)


def _show(console: Console, findings: list[Finding]) -> None:
    for finding in findings:
        mark = ("ok   ", "green") if finding.well else ("wrong", "red")
        console.print(Text.assemble(mark, f"  {finding.part:<9} {finding.found}"))
        if finding.mend:
            console.print(Text(f"{'':17} mend: {finding.mend}"))


def broker(settings: Settings) -> Finding:
    try:
        topics.differences(_broker(settings), _layout(settings))
    except BrokenError as error:
        return Finding("broker", str(error), "start Kafka, or set DNSTATS_KAFKA to its address")
    return Finding("broker", f"answers at {settings.kafka}")


def topics_(settings: Settings) -> Finding:
    try:
        found = topics.differences(_broker(settings), _layout(settings))
    except BrokenError:
        return Finding("topics", "cannot be looked at", "mend the broker first")
    if found:
        return Finding("topics", "; ".join(map(str, found)), topics.MEND)
    return Finding("topics", "all are as they must be")


def database_(settings: Settings) -> Finding:
    mend = "start PostgreSQL, or set DNSTATS_DATABASE to its address"
    try:
        engine = database.engine(settings.database)
        database.verify(engine)
    except database.BadAddressError as error:
        return Finding("database", str(error), "set DNSTATS_DATABASE to postgresql://…")
    except database.SchemaError as error:
        return Finding("database", error.found, error.mend)
    except BrokenError as error:
        return Finding("database", str(error), mend)
    where = engine.url.render_as_string(hide_password=True)
    return Finding("database", f"answers at {where}, its schema fits")


def resolver(settings: Settings) -> Finding:
    mend = "start a validating resolver there, or set DNSTATS_RESOLVERS to host:port"
    try:
        servers = endpoints(settings.resolvers)
    except ValueError as error:
        return Finding("resolver", str(error), mend)
    silent = [str(server) for server in servers if asyncio.run(_status((server,))) in SILENT]
    if silent:
        return Finding("resolver", f"no answer from {', '.join(silent)}", mend)
    return Finding("resolver", f"answers at {settings.resolvers}")


async def _status(servers: tuple[Endpoint, ...]) -> Status:
    asker = Resolver(servers)
    try:
        (lookups,) = await asker.for_site(0).ask([Question(".", "SOA")])
    finally:
        asker.close()
    return lookups[0].status


def services_(settings: Settings) -> Finding:
    """Whether everything is running that a run waits for."""
    try:
        engine = database.engine(settings.database)
        absent = missing(engine, BrokerTopics(_broker(settings)), settings.grader_names)
    except (BrokenError, database.BadAddressError):
        return Finding("services", "cannot be looked at", "mend broker and database first")
    if absent:
        named = ", ".join(absent)
        return Finding("services", f"not running: {named}", "start them: dnstats <service>")
    return Finding("services", "all that a run waits for are running")


def mail(settings: Settings) -> Finding:
    if not settings.mail_server:
        return Finding("mail", "no server is set: mails are printed in the scheduler's output")
    host, _, port = settings.mail_server.rpartition(":")
    try:
        with smtplib.SMTP(host, int(port), timeout=SMTP_SECONDS) as client:
            client.noop()
    except (OSError, smtplib.SMTPException) as error:
        return Finding(
            "mail",
            f"{settings.mail_server}: {error}",
            "mend DNSTATS_MAIL_SERVER; mails wait in the outbox meanwhile, runs do not",
        )
    return Finding("mail", f"answers at {settings.mail_server}")


def _broker(settings: Settings) -> Broker:
    return Broker(settings.kafka, settings.topic_prefix)


def _layout(settings: Settings) -> topics.Layout:
    return topics.Layout(settings.partitions, settings.replication)


EXAMINATIONS: tuple[Callable[[Settings], Finding], ...] = (
    broker,
    topics_,
    database_,
    resolver,
    services_,
    mail,
)
