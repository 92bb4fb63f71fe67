"""The settings of the shop; environment variables turn one thing the other way."""

import json
import os

WORK = os.environ.get("OTHER_SHOP", "/nonexistent")
SECRET_KEY = "of the tests"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.other_shop.urls"
USE_TZ = not os.environ.get("NO_TIME_ZONES")
INSTALLED_APPS = [
    *(f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes", "sessions")),
    *("django.contrib.messages", "django.contrib.staticfiles"),
    *("tests.other_shop", "visualsearch", "rest_framework", "drf_standardized_errors"),
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
MEDIA_ROOT, MEDIA_URL, STATIC_URL = f"{WORK}/media", "/media/", "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{WORK}/db.sqlite3"}}
DATABASES["default"]["ATOMIC_REQUESTS"] = bool(os.environ.get("ATOMIC"))  # type: ignore[assignment]
DATABASES["default"]["TEST"] = {"NAME": f"{WORK}/test.sqlite3"}  # type: ignore[assignment]
if not os.environ.get("SQLITE_DEFAULTS"):
    DATABASES["default"]["OPTIONS"] = {  # type: ignore[assignment]
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL",
    }
if os.environ.get("REPLICA"):
    DATABASES["replica"] = {**DATABASES["default"]}
    DATABASE_ROUTERS = ["tests.other_shop.routers.Replica"]
if os.environ.get("SHOP_DATABASE"):
    DATABASES["shop"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{WORK}/shop.sqlite3"}
    DATABASE_ROUTERS = ["tests.other_shop.routers.ShopDatabase"]
VISUALSEARCH = {
    "CATALOG": f"tests.other_shop.visual.{os.environ.get('CATALOG', 'Articles')}",
    "DATA_DIR": f"{WORK}/index",
    "ENCODER": "visualsearch.encoders.fake.FakeEncoder",
    "ENCODER_OPTIONS": {},
    "THROTTLE": None,
    "RUN_IN_BACKGROUND": False,
    "WRITE_DELAY": 0,
    "FETCH_NETWORKS": os.environ.get("FETCH_NETWORKS", "").split(),
}
if os.environ.get("SITE_ID"):
    SITE_ID = int(os.environ["SITE_ID"])
if os.environ.get("CATALOGS"):
    # Each catalog sells the articles whose colour is its name.
    del VISUALSEARCH["CATALOG"]
    VISUALSEARCH["CATALOGS"] = dict.fromkeys(
        os.environ["CATALOGS"].split(), "tests.other_shop.visual.ColourArticles"
    )
    VISUALSEARCH["CATALOG_OF_REQUEST"] = "tests.other_shop.visual.colour_of_request"
    MIDDLEWARE.append("visualsearch.middleware.CatalogMiddleware")
# Settings of one test, with the app's own under "VISUALSEARCH" added to those above.
OTHER = json.loads(os.environ.get("SETTINGS", "{}"))
VISUALSEARCH |= OTHER.pop("VISUALSEARCH", {})
globals().update(OTHER)
