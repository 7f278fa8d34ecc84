"""Reference data as one value: what a grade rests on besides the evidence."""

from collections.abc import Callable
from dataclasses import dataclass

from services.common.reference.providers import Providers

VERSION = 1
"""Raised by every change of any reference data; stored with every SiteRun and grade."""


@dataclass(frozen=True)
class Reference:
    """`name` is "public", or "world" for the bundled world's own data."""

    version: int
    name: str
    public_suffix: Callable[[str], str]
    """The public suffix of a name ("co.uk"); "" where its TLD is not known."""
    is_public: Callable[[str], bool]
    """Whether a textual IPv4 or IPv6 address, or anything in a network, is globally reachable."""
    providers: Providers
