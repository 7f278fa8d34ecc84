"""Structured logs: one JSON object a line on standard output."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


def setup(service: str, level: str = "INFO") -> None:
    """Configure structlog and the standard library's logging alike. Raises ValueError for a level
    that does not exist."""

    def name_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        name_service,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [output]
    root.setLevel(level.upper())
    # Its lines repeat what the clients' error callbacks say, many times a second during an outage.
    logging.getLogger("librdkafka").setLevel(logging.CRITICAL)


def logger() -> Any:
    """A logger; what `bound` holds is in each of its lines."""
    return structlog.get_logger()


bound = structlog.contextvars.bound_contextvars
"""`with bound(run=…, site=…, topic=…, partition=…, offset=…):` puts fields into every line."""
