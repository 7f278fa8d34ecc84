"""Settings of the scanner service."""

from pathlib import Path

from pydantic import Field

from services.common.config import Settings
from services.scanner.core.plan import USUAL_QUESTIONS

MOST_QUESTIONS = 400
"""Their lookups, asked twice, fit into one message whatever the names in them are."""


class ScannerSettings(Settings):
    """Resolvers are `DNSTATS_RESOLVERS`: addresses with commas between."""

    vantage: str = Field("default", min_length=1)
    """Where this scanner looks from: a place and a network, in a word of one's own."""
    sites_in_flight: int = Field(1000, ge=1, le=10_000)
    batches_in_flight: int = Field(200, ge=1)
    """Batches taken and not finished; enough of them fill `sites_in_flight`."""
    questions: int = Field(USUAL_QUESTIONS, ge=1, le=MOST_QUESTIONS)
    """A site is asked so many; what it wants beyond is recorded as not asked."""
    optouts: Path | None = None
    """File of those who asked not to be measured."""
