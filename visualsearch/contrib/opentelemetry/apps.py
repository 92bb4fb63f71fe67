from django.apps import AppConfig
from django.core.checks import register

from ..packages import is_there, needs


class OpenTelemetryConfig(AppConfig):
    """Traces each request from the web process to the search worker that does the work."""

    name = "visualsearch.contrib.opentelemetry"
    label = "visualsearch_opentelemetry"

    def ready(self) -> None:
        package = needs("opentelemetry.instrumentation", "opentelemetry-sdk", "tracing", self.name)
        register(package, "visualsearch")
        if is_there("opentelemetry.instrumentation"):  # if missing, the system check says so
            from . import receivers, tracing  # noqa: F401 (the receivers connect themselves)

            tracing.start()
