from django.apps import AppConfig
from django.core.checks import register

from ..packages import needs


class HealthConfig(AppConfig):
    """Health checks for monitoring; the shop chooses their URLs."""

    name = "visualsearch.contrib.health"
    label = "visualsearch_health"

    def ready(self) -> None:
        register(needs("health_check", "django-health-check", "health", self.name), "visualsearch")
