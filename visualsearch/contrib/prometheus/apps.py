from django.apps import AppConfig
from django.core.checks import register

from ..packages import is_there, needs
from .checks import check_folder


class PrometheusConfig(AppConfig):
    """Counts what the app's signals report, as Prometheus metrics."""

    name = "visualsearch.contrib.prometheus"
    label = "visualsearch_prometheus"

    def ready(self) -> None:
        package = needs("prometheus_client", "prometheus-client", "metrics", self.name)
        register(package, "visualsearch")
        register(check_folder, "visualsearch")
        if is_there("prometheus_client"):  # if missing, the system check says so
            from . import receivers, worker  # noqa: F401 (they connect themselves)
