from django.apps import AppConfig
from django.core.checks import register

from ..packages import is_there, needs


class StructlogConfig(AppConfig):
    """A line for each search, and one name for a request in all processes that work on it."""

    name = "visualsearch.contrib.structlog"
    label = "visualsearch_structlog"

    def ready(self) -> None:
        package = needs("django_structlog", "django-structlog", "logs", self.name)
        register(package, "visualsearch")
        if is_there("django_structlog"):  # without it, the check says what to do
            from . import receivers, worker  # noqa: F401 (they connect themselves)
