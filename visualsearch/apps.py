from django.apps import AppConfig
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _


class VisualSearchConfig(AppConfig):
    """Loads no model and no index: commands and forks must not pay for them."""

    name = "visualsearch"
    verbose_name = _("Search by photo")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, conf, signal_handlers  # noqa: F401 (registers the checks)

        try:
            import_string(conf.get("CATALOG"))
        except ImportError:
            return  # the check visualsearch.E003 says what to do
        signal_handlers.connect()
