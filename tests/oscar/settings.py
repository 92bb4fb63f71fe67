"""The settings of an oscar shop; environment variables turn one thing the other way."""

import os

import oscar
from oscar.defaults import *  # noqa: F403

WORK = os.environ.get("OSCAR_SHOP", "/nonexistent")
SECRET_KEY = "of the tests"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = os.environ.get("URLS", "tests.oscar.urls")
USE_TZ = True
SITE_ID = 1
PARTNER = os.environ.get("PARTNER", "oscar.apps.partner.apps.PartnerConfig")
INSTALLED_APPS = [
    *(PARTNER if "PartnerConfig" in name else name for name in oscar.INSTALLED_APPS),
    *("sorl.thumbnail", "easy_thumbnails"),
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [f"{WORK}/templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
                "oscar.core.context_processors.metadata",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = [
    "oscar.apps.customer.auth_backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
]
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
MEDIA_ROOT, MEDIA_URL, STATIC_URL = f"{WORK}/media", "/media/", "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{WORK}/db.sqlite3"}}
DATABASES["default"]["OPTIONS"] = {  # type: ignore[assignment]
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL",
}
# A forked app of oscar has the tables of the original.
MIGRATION_MODULES = {"partner": "oscar.apps.partner.migrations"}
if os.environ.get("EASY"):
    OSCAR_THUMBNAILER = "oscar.core.thumbnails.EasyThumbnails"

# Search by photo.
INSTALLED_APPS = [
    *([] if os.environ.get("LAST") else ["visualsearch.contrib.oscar"]),
    *INSTALLED_APPS,
    *("visualsearch", "rest_framework", "drf_standardized_errors"),
    *(["visualsearch.contrib.oscar"] if os.environ.get("LAST") else []),
]
VISUALSEARCH = {
    "CATALOG": os.environ.get("CATALOG", "visualsearch.contrib.oscar.catalog.OscarCatalog"),
    "DATA_DIR": f"{WORK}/index",
    "ENCODER": "visualsearch.encoders.fake.FakeEncoder",
    "ENCODER_OPTIONS": {},
    "THROTTLE": None,
    "RUN_IN_BACKGROUND": False,
    "WRITE_DELAY": 0,
}
