"""What is stored about one site in one run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from services.common.dns.lookup import Observation

Records = list[str] | None
"""Rdata, sorted and printable; None where it was not observed, empty where proven absent."""


class Source(NamedTuple):
    """Where a scan result stands on its topic."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class SiteRun:
    """A row of `site_runs`: an attribute per column. Times are microseconds since the epoch.

    None means "not observed" wherever it can occur, never "there is none".
    """

    run_id: int
    site_id: int
    domain: str
    rank: int
    scan_id: str
    started_at: int
    finished_at: int
    scanner_version: str
    vantage: str
    processor_version: int
    reference_version: int
    reference_name: str
    source_topic: str
    source_partition: int
    source_offset: int
    status: str
    """Lookup status of the site's own SOA."""
    zone: str | None
    """The apex of the zone that holds the site."""
    lookups: Mapping[str, int]
    undetermined: Mapping[str, str]
    """Status of what was asked and could not be observed, by the name of its column."""
    capped: tuple[str, ...]
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
    ns_ip_addresses: Mapping[str, Records] | None
    has_mx: bool | None
    """It takes mail: an exchange other than the null MX (RFC 7505)."""
    has_spf: bool | None
    spf_policy: str | None
    has_dmarc: bool | None
    dmarc_policy: str | None
    dmarc_sub_policy: str | None
    has_dmarc_aggregate_reporting: bool | None
    has_dmarc_forensic_reporting: bool | None
    has_caa: bool | None
    has_caa_reporting: bool | None
    caa_issue_count: int | None
    caa_wildcard_count: int | None
    email_provider: str | None
    dns_provider: str | None
    dnssec_ds_algorithm: int | None
    dnssec_digest_type: int | None
    dnssec_dnskey_algorithm: int | None
    has_msdc: bool | None
    has_bimi: bool | None


@dataclass(frozen=True, slots=True)
class Derived:
    site_run: SiteRun
    sections: Mapping[str, tuple[Observation, ...]]
    """By grader: every question that its closure names, in order."""
