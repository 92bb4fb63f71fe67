"""What the shop's processes write: a line of JSON for each event, or of text for people.

A request's lines have its id in all processes; see docs/monitoring.md for the fields.
"""

from __future__ import annotations

import logging
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured

FORMATS = ("json", "console")


def configure(format: str, level: str) -> dict[str, Any]:
    """Set up structlog, and return Django's ``LOGGING`` to go with it."""
    if format not in FORMATS:
        raise ImproperlyConfigured(f"LOG_FORMAT is “{format}”, and not one of {FORMATS}.")
    common: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *common,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    last: list[Any] = [structlog.dev.ConsoleRenderer(colors=False)]
    if format == "json":
        # Tracebacks as text, without the values of variables: there might be a photo among them.
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        logging.captureWarnings(True)
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": common,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"line": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["line"], "level": level},
        "loggers": {
            # Up to the root, and no further handler.
            "django": {"handlers": [], "level": level},
            # Each request has a line already, with the traceback where there is one.
            "django.request": {"level": "CRITICAL"},
            "visualsearch.api.errors": {"level": "WARNING"},
            # How it looks for the fastest of its libraries.
            "faiss.loader": {"level": "WARNING"},
            # The checks say themselves what is wrong, without a traceback each time.
            "health_check": {"level": "ERROR"},
        },
    }
