"""Logging of the shop's processes: one line per event, as JSON or as readable text.

All lines of a request carry its request id, in every process; docs/monitoring.md lists the fields.
"""

from __future__ import annotations

import logging
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured

FORMATS = ("json", "console")


def configure(format: str, level: str) -> dict[str, Any]:
    """Configure structlog, and return the matching Django ``LOGGING`` setting.

    ``format``: ``json`` or ``console``. Raises ImproperlyConfigured for any other.
    """
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
        # Tracebacks as text, without the values of variables, which might include a photo.
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
            # Propagate to the root handler only.
            "django": {"handlers": [], "level": level},
            # Each request is logged already, with any traceback.
            "django.request": {"level": "CRITICAL"},
            "visualsearch.api.error_handler": {"level": "WARNING"},
            # Logs its search for the fastest library.
            "faiss.loader": {"level": "WARNING"},
            # The checks report failures themselves, without tracebacks.
            "health_check": {"level": "ERROR"},
        },
    }
