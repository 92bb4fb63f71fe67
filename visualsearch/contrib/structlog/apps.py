from django.apps import AppConfig
from django.core.checks import register

from ..packages import is_there, needs


class StructlogConfig(AppConfig):
    """Logs each search, and one request id in all processes that work on a request."""

    name = "visualsearch.contrib.structlog"
    label = "visualsearch_structlog"

    def ready(self) -> None:
        package = needs("django_structlog", "django-structlog", "logs", self.name)
        register(package, "visualsearch")
        if is_there("django_structlog"):  # if missing, the system check says so
            from . import receivers, worker  # noqa: F401 (they connect themselves)
