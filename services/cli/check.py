"""`dnstats check`: one site through the same scanner, processor and graders, in one process."""

import asyncio
import base64
import json
import secrets
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.console import Console

from services.cli.fail import BAD_INPUT, fail
from services.cli.report import WIDTH, grade_as_json, show, timestamp
from services.common.config import Settings, load
from services.common.dns.lookup import Lookup, Observation
from services.common.dns.status import DETERMINED
from services.common.messages.scan_request import BatchSite, ScanRequest
from services.common.messages.scan_result import ScanResult
from services.common.reference.bundle import Reference
from services.common.reference.load import load as load_reference
from services.grader.core.catalogue import GRADERS
from services.grader.core.verdict import Section
from services.processor.core.derive import derive
from services.processor.core.site_run import SiteRun, Source
from services.scanner.adapters.endpoints import Endpoint, endpoints
from services.scanner.adapters.resolver import Resolver
from services.scanner.adapters.targets import Targets
from services.scanner.adapters.targets import load as load_targets
from services.scanner.handler.site import Origin, SiteScanner
from services.scheduler.core.site_name import site_name

NOTHING_RESOLVED = 3
NOT_FACTS = {"run_id", "site_id", "domain", "rank", "scan_id"} | {
    f"source_{part}" for part in Source._fields
}


def check(
    domain: Annotated[str, typer.Argument(help="The site, such as example.com")],
    resolver: Annotated[
        str | None, typer.Option(help="HOST:PORT of the resolver to ask, several with commas")
    ] = None,
    targets: Annotated[
        str | None, typer.Option(help="public, or a world's FILE: where packets may go")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="public, or world: the reference data to grade by")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs")] = False,
) -> None:
    """Ask DNS about DOMAIN now, grade what it says, and tell what to mend.

    Ends with 0 whatever the grades, 2 if DOMAIN is no domain name, 3 if nothing was resolved.
    """
    settings = load(Settings, resolvers=resolver, targets=targets, reference=reference)
    try:
        name = site_name(domain)
        servers = endpoints(settings.resolvers)
        judged_by = load_reference(settings.reference)
        allowed = load_targets(settings.targets, judged_by.is_public)
    except ValueError as error:
        fail(str(error), BAD_INPUT)
    result = asyncio.run(_scan(name, servers, allowed))
    if not any(lookup.status in DETERMINED for lookup in result.lookups):
        fail(_silence(result, settings.resolvers), NOTHING_RESOLVED)
    report = report_of(result, judged_by)
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        show(Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False), report)


async def _scan(name: str, servers: tuple[Endpoint, ...], allowed: Targets) -> ScanResult:
    resolver = Resolver(servers, targets=allowed)
    scanner = SiteScanner(
        resolver.for_site,
        clock=lambda: time.time_ns() // 1000,
        scan_id=lambda: str(uuid.uuid4()),
        origin=Origin(version("dnstats"), "check"),
    )
    now = time.time_ns() // 1000
    request = ScanRequest(0, 0, now, now, secrets.token_bytes(16), "full", ())
    try:
        return await scanner.scan(BatchSite(0, name, 0), request)
    finally:
        resolver.close()


def _silence(result: ScanResult, resolvers: str) -> str:
    ends = sorted({f"{lookup.status} {lookup.reason}".strip() for lookup in result.lookups})
    return (
        f"nothing could be resolved about {result.domain}: {', '.join(ends)}.\n"
        f"Does a resolver answer at {resolvers}? Name another with --resolver HOST:PORT."
    )


def report_of(result: ScanResult, reference: Reference) -> dict[str, Any]:
    """The document of schemas/check.schema.json."""
    derived = derive(result, reference)
    return {
        "domain": result.domain,
        "observed_at": timestamp(result.finished_at),
        "facts": _facts(derived.site_run),
        "grades": _grades(result, derived.sections, reference),
        "lookups": [_lookup(lookup) for lookup in result.lookups],
    }


def _facts(site_run: SiteRun) -> dict[str, Any]:
    facts = {name: value for name, value in asdict(site_run).items() if name not in NOT_FACTS}
    times = {moment: timestamp(facts[moment]) for moment in ("started_at", "finished_at")}
    return facts | times | {"capped": list(site_run.capped)}


def _grades(
    result: ScanResult,
    sections: Mapping[str, tuple[Observation, ...]],
    reference: Reference,
) -> dict[str, Any]:
    grades = {}
    for name, grader in GRADERS.items():
        seen = {observation.question: observation for observation in sections[name]}
        graded = grader.grade(Section(result.domain, result.finished_at, seen), reference)
        grades[name] = grade_as_json(grader, graded, reference.version)
    return grades


def _lookup(lookup: Lookup) -> dict[str, Any]:
    return {
        "name": lookup.name,
        "type": lookup.rdtype,
        "server": lookup.server,
        "transport": lookup.transport,
        "status": str(lookup.status),
        "reason": lookup.reason,
        "checking_disabled": lookup.checking_disabled,
        "flags": lookup.flags,
        "ede": lookup.ede,
        "attempts": lookup.attempts,
        "received_at": timestamp(lookup.received_at),
        "rtt_ms": lookup.rtt / 1000,
        "response": base64.b64encode(lookup.response).decode("ascii"),
    }
