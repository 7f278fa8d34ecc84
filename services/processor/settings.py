"""Settings of the processor service."""

from services.common.config import Settings


class ProcessorSettings(Settings):
    """Those that every service has."""
