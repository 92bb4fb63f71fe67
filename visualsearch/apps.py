from django.apps import AppConfig
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _


class VisualSearchConfig(AppConfig):
    """The app's configuration. Loads no model or index, to keep commands and forks cheap."""

    name = "visualsearch"
    verbose_name = _("Search by photo")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, conf, signal_handlers  # noqa: F401 (registers the checks)

        try:
            for path in (conf.get("CATALOGS") or {"": conf.get("CATALOG")}).values():
                import_string(path)
        except ImportError:
            return  # reported by the check visualsearch.E003
        signal_handlers.connect()
