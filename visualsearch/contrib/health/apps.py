from django.apps import AppConfig
from django.core.checks import register

from ..packages import needs


class HealthConfig(AppConfig):
    """Pages for whoever watches over the processes; the shop says where they are."""

    name = "visualsearch.contrib.health"
    label = "visualsearch_health"

    def ready(self) -> None:
        register(needs("health_check", "django-health-check", "health", self.name), "visualsearch")
