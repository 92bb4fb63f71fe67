"""Say what to do if a project includes the app's URLs without the app."""

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured


def require_app(urls: str) -> None:
    """Raise ImproperlyConfigured unless the app is installed; ``urls``: the module of its URLs."""
    if not apps.is_installed("visualsearch"):
        raise ImproperlyConfigured(
            f"The project includes “{urls}”, and “visualsearch” is not in INSTALLED_APPS. Remove"
            f' include("{urls}") from urlpatterns, or add "visualsearch" to INSTALLED_APPS.'
        )
