"""Settings of the sample shop. The environment provides those that differ between machines.

Without environment variables this is the demo: SQLite, one process, all files under `.data`.
"""

import logging
import os
from pathlib import Path
from typing import Any

import environ
from django.core.management.utils import get_random_secret_key
from django.utils.translation import gettext_lazy as _

from . import logs

BASE_DIR = Path(__file__).resolve().parent.parent
DATA = BASE_DIR / ".data"
DATA.mkdir(exist_ok=True)

env = environ.Env()
# Treat empty variables as unset: compose files and CI often define them empty.
env.ENVIRON = {name: value for name, value in os.environ.items() if value}

DEBUG = env.bool("DEBUG", default=True)


def demo_secret_key() -> str:
    """Return the demo's secret key; it is stored, so that sessions survive a restart."""
    path = DATA / "secret_key"
    try:
        with path.open("x", encoding="ascii") as file:
            path.chmod(0o600)
            file.write(get_random_secret_key())
    except FileExistsError:
        pass
    # Empty only while another process has created but not written the file: use a temporary key.
    return path.read_text(encoding="ascii") or get_random_secret_key()


SECRET_KEY = env.str("SECRET_KEY", default="") or (demo_secret_key() if DEBUG else "")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
REDIS_URL = env.str("REDIS_URL", default="")

# --- HTTPS ------------------------------------------------------------------------------------

# Whether shoppers connect by HTTPS, terminated by a proxy that sets X-Forwarded-Proto.
HTTPS = env.bool("HTTPS", default=not DEBUG)
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    # Monitoring reaches the processes directly, by plain HTTP.
    SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
    # Seconds for which browsers use HTTPS only; this cannot be revoked before they have passed.
    SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=3600)
    # Subdomains (W005) and preloading (W021) are for the owner of the domain to decide.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

INSTALLED_APPS = [
    # Before visualsearch, so that its templates override those of the app.
    "shop",
    "visualsearch",
    "corsheaders",
    "visualsearch.contrib.health",
    "visualsearch.contrib.prometheus",
    "visualsearch.contrib.structlog",
    "django_structlog",
    "rest_framework",
    "drf_standardized_errors",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    # Before staticfiles, so that runserver serves static files as production does, with the header
    # that lets pages of other origins load the component.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "visualsearch.contrib.prometheus.middleware.MetricsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "shop" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.context_processors.storefront",
            ],
        },
    },
]

# --- Observability ----------------------------------------------------------------------------

LOG_FORMAT = env.str("LOG_FORMAT", default="console" if DEBUG else "json")
# Only warnings on a terminal, where commands print their own output.
LOG_LEVEL = env.str("LOG_LEVEL", default="WARNING" if LOG_FORMAT == "console" else "INFO")
LOGGING = logs.configure(LOG_FORMAT, LOG_LEVEL)
# Log one line per request, when it is finished.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_2XX_LOG_LEVEL = logging.INFO
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG
# Logging IP addresses is the shop's decision; user ids are never logged.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = env.bool("LOG_IP", default=False)
DJANGO_STRUCTLOG_USER_ID_FIELD = None

if env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default=""):
    INSTALLED_APPS.append("visualsearch.contrib.opentelemetry")

# --- Database ---------------------------------------------------------------------------------

database: dict[str, Any] = dict(
    env.db_url("DATABASE_URL", default=f"sqlite:///{DATA / 'db.sqlite3'}")
)
# Seconds for which a process keeps a connection; opening and closing one costs as much as a search.
database.setdefault("CONN_MAX_AGE", 60)
if database["ENGINE"] == "django.db.backends.sqlite3":
    # WAL lets readers run beside one writer. IMMEDIATE makes writers wait for each other instead of
    # failing: a transaction that starts as a reader cannot wait for the lock once it writes.
    database.setdefault("OPTIONS", {}).update(
        {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    )
else:
    database.setdefault("CONN_HEALTH_CHECKS", True)
if database["ENGINE"] == "django.db.backends.postgresql":
    # Detect a dead peer within seconds instead of TCP's hours, and so release its locks as soon.
    # There is no statement timeout: pages and index builds need different ones.
    database["OPTIONS"] = {
        "connect_timeout": 2,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,  # milliseconds
        **database.get("OPTIONS", {}),
    }
DATABASES = {"default": database}

# --- Files ------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=DATA / "static")
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)
MEDIA_URL = "/media/"
MEDIA_ROOT = env.path("MEDIA_ROOT", default=DATA / "media")
# The demo has no web server in front of it to serve the pictures.
SERVE_MEDIA = env.bool("SERVE_MEDIA", default=DEBUG)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Languages --------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "shop" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Search by photo --------------------------------------------------------------------------

VISUALSEARCH_DATA_DIR = env.path("VISUALSEARCH_DATA_DIR", default=DATA / "visualsearch")
VISUALSEARCH: dict[str, Any] = {
    "CATALOG": "shop.visual.ProductCatalog",
    "DATA_DIR": str(VISUALSEARCH_DATA_DIR),
    "USE_CELERY": bool(REDIS_URL),
    "REDIS_URL": REDIS_URL,
    # The format of iPhone photos; requirements.txt has the decoder.
    "HEIC": True,
}
# The demo has a single client, which may be a script.
if not env.bool("VISUALSEARCH_THROTTLE", default=not DEBUG):
    VISUALSEARCH["THROTTLE"] = None
if model := env.str("VISUALSEARCH_MODEL", default=""):
    VISUALSEARCH["ENCODER_OPTIONS"] = {"package": model, "threads": 1}

# Origins whose pages may search here: https://blog.example,https://app.example
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/visual-search/"
CORS_ALLOW_METHODS = ["GET", "POST", "OPTIONS"]
CORS_ALLOW_HEADERS = ["accept", "accept-language", "content-type", "prefer", "x-api-key"]
CORS_EXPOSE_HEADERS = [
    "Location",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
]

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    # Trust only the X-Forwarded-For entries that our own proxies have added.
    "NUM_PROXIES": env.int("NUM_PROXIES", default=1 if HTTPS else 0),
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Search by photo",
    "DESCRIPTION": "Find the products of a shop that look like a photo.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    # Swagger UI loads nothing from other origins.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "OAS_VERSION": "3.1.1",
    # Keep the order of the URLs: most used first.
    "SORT_OPERATIONS": False,
    "SWAGGER_UI_SETTINGS": {"defaultModelsExpandDepth": -1},
}

# --- Celery -----------------------------------------------------------------------------------

CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ROUTES = {"visualsearch.index*": {"queue": "visualsearch.index"}}
# Hourly; the index worker runs the schedule (celery worker -B).
CELERY_BEAT_SCHEDULE = {
    "repair": {
        "task": "visualsearch.index_repair",
        "schedule": 3600,
        "options": {"expires": 3600},
    }
}
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    # Stores the results of tasks such as visualsearch.classify for their callers.
    CELERY_RESULT_BACKEND = REDIS_URL
    # If Redis is down, a request fails at once; if Redis hangs, after three such timeouts.
    redis_timeouts = {"socket_connect_timeout": 2, "socket_timeout": 2}
    CELERY_TASK_PUBLISH_RETRY = False
    CELERY_BROKER_CONNECTION_TIMEOUT = 2
    CELERY_BROKER_TRANSPORT_OPTIONS = {**redis_timeouts, "max_retries": 0}
    # A worker waits for Redis indefinitely.
    CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
    CELERY_BROKER_CONNECTION_MAX_RETRIES = None
    # Rate limits must be counted in one place for all web processes.
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            # Seconds; short, as counting must not delay a request.
            "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
        }
    }
else:
    CELERY_BROKER_URL = "memory://"
    CELERY_TASK_ALWAYS_EAGER = True
    CELERY_TASK_EAGER_PROPAGATES = True
