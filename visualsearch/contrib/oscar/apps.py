from django.apps import AppConfig
from django.core.checks import register

from ..packages import is_there, needs


class OscarConfig(AppConfig):
    """Search by photo for django-oscar shops: catalog, templates and pages in the dashboard."""

    name = "visualsearch.contrib.oscar"
    label = "visualsearch_oscar"

    def ready(self) -> None:
        register(needs("oscar", "django-oscar", "oscar", self.name), "visualsearch")
        if not is_there("oscar"):
            return
        from . import bulk_actions, checks, navigation

        register(checks.check_order, "visualsearch")
        register(checks.check_urls, "visualsearch")
        register(checks.check_catalog, "visualsearch")
        navigation.add()
        bulk_actions.follow()
