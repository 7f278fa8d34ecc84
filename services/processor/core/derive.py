"""From evidence to a SiteRun and the sections that graders judge: pure, and parsed once."""

from typing import TypedDict, cast

from services.common.dns.lookup import Observation, Question
from services.common.dns.text import printable
from services.common.messages.scan_result import ScanResult
from services.common.questions import dmarc, mx, spf
from services.common.questions.basics import BIMI
from services.common.reference.bundle import Reference
from services.processor.core.evidence import Evidence, readable
from services.processor.core.mail import bimi_facts, dmarc_facts, mx_facts, spf_facts
from services.processor.core.site_run import Derived, Records, SiteRun, Source
from services.processor.core.version import VERSION
from services.processor.core.zone import apex, caa_facts, dnssec_facts, msdc_facts, ns_facts

NOWHERE = Source("", 0, 0)
"""The source of a scan result that was never on a topic."""

CLOSURES = {"spf": spf.wanted, "dmarc": dmarc.wanted, "mx": mx.wanted}


class _Identity(TypedDict):
    run_id: int
    site_id: int
    domain: str
    rank: int
    scan_id: str
    started_at: int
    finished_at: int
    scanner_version: str
    vantage: str


class _Recorded(TypedDict):
    a_records: Records
    aaaa_records: Records
    mx_records: Records
    txt_records: Records
    caa_records: Records
    ns_records: Records
    soa_records: Records
    ds_records: Records
    dnskey_records: Records
    dmarc_records: Records
    bimi_records: Records


def derive(result: ScanResult, reference: Reference, source: Source = NOWHERE) -> Derived:
    """Raises ValueError for evidence that no scanner can have recorded."""
    evidence = Evidence(result.domain, result.lookups)
    return Derived(
        _site_run(result, evidence, reference, source),
        {
            grader: evidence.section(wanted(result.domain, evidence.known))
            for grader, wanted in CLOSURES.items()
        },
    )


def _site_run(
    result: ScanResult, evidence: Evidence, reference: Reference, source: Source
) -> SiteRun:
    zone = apex(evidence)
    # What does not exist has no zone of its own, and what holds it is not asked for.
    asked_at = zone if zone and evidence.exists else result.domain
    found = dmarc.discover(result.domain, evidence.known)
    columns = _columns(evidence, asked_at)
    return SiteRun(
        **_identity(result),
        capped=(*result.capped, *evidence.capped),
        processor_version=VERSION,
        reference_version=reference.version,
        reference_name=reference.name,
        source_topic=source.topic,
        source_partition=source.partition,
        source_offset=source.offset,
        status=evidence.get(result.domain, "SOA").status,
        zone=zone,
        lookups=dict(evidence.lookups),
        undetermined={name: seen.status for name, seen in columns.items() if not readable(seen)},
        **cast(_Recorded, {name: _rdata(seen) for name, seen in columns.items()}),
        **mx_facts(evidence, reference),
        **spf_facts(evidence),
        **dmarc_facts(evidence, found),
        **bimi_facts(evidence, found),
        **ns_facts(evidence, asked_at, reference),
        **dnssec_facts(evidence, asked_at),
        **caa_facts(evidence),
        **msdc_facts(evidence),
    )


def _identity(result: ScanResult) -> _Identity:
    return {
        "run_id": result.run_id,
        "site_id": result.site_id,
        "domain": result.domain,
        "rank": result.rank,
        "scan_id": result.scan_id,
        "started_at": result.started_at,
        "finished_at": result.finished_at,
        "scanner_version": result.scanner_version,
        "vantage": result.vantage,
    }


def _columns(evidence: Evidence, zone: str) -> dict[str, Observation]:
    """The observation behind every column of records."""
    domain = evidence.domain
    asked = {
        "a_records": Question(domain, "A"),
        "aaaa_records": Question(domain, "AAAA"),
        "mx_records": Question(domain, "MX"),
        "txt_records": Question(domain, "TXT"),
        "caa_records": Question(domain, "CAA"),
        "ns_records": Question(zone, "NS"),
        "soa_records": Question(zone, "SOA"),
        "ds_records": Question(zone, "DS"),
        "dnskey_records": Question(zone, "DNSKEY"),
        "dmarc_records": Question(f"_dmarc.{domain}", "TXT"),
        "bimi_records": Question(f"{BIMI}.{domain}", "TXT"),
    }
    return dict(zip(asked, evidence.section(asked.values()), strict=True))


def _rdata(seen: Observation) -> Records:
    if not readable(seen):
        return None
    if seen.rdtype == "TXT":
        return [printable(text) for text in seen.rdata]
    return list(seen.rdata)
