"""System checks of the settings, each with a hint on how to fix them."""

from __future__ import annotations

from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from . import conf
from .catalogs import CatalogSource
from .catalogs.names import MAX_CATALOG_NAME, VALID
from .encoders.package import load_package
from .exceptions import ModelUnavailable
from .models.primary import database
from .photos.allowed_origins import origin_of
from .photos.format_limits import FOR_CATALOGS

# Type and minimum of each numeric setting.
NUMBERS: dict[str, tuple[Any, float]] = {
    "MAX_PHOTO_BYTES": (int, 1),
    "MAX_PHOTO_MEGAPIXELS": (int | float, 0.001),
    "MIN_PHOTO_SIDE": (int, 1),
    "BODY_TIMEOUT": (int | float, 0.001),
    "FETCH_TIMEOUT": (int | float, 0.001),
    "BATCH_SIZE": (int, 1),
    "INDEX_THREADS": (int, 1),
    "SEARCH_TIMEOUT": (int | float, 0.001),
    "ASYNC_TIMEOUT": (int | float, 0.001),
    "MAX_QUEUE": (int, 1),
    "WRITE_DELAY": (int | float, 0),
    "QUERY_LIFETIME": (int | float, 0.001),
    "FIGURES_LIFETIME": (int | float, 1),
    "KEEP_PHOTOS": (int | float, 0),
    "MAX_BATCH_BYTES": (int, 1),
    "PREDICTIONS": (int, 1),
    "KEPT_VERSIONS": (int, 0),
    "MAX_RECALL_DROP": (int | float, 0),
    "RUN_TIMEOUT": (int | float, 1),
    "RULES_REFRESH": (int | float, 0.1),
    "REPAIR_CONTENTS": (int, 0),
}

MIDDLEWARE = "visualsearch.middleware.CatalogMiddleware"
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL",
}
SUPPORTED_DATABASES = ("postgresql", "sqlite")
SWITCHES = (
    "HEIC",
    "USE_CELERY",
    "REQUIRE_API_KEY",
    "FIND_OBJECTS",
    "KEEP_WORDS",
    "FIND_SUBJECT",
    "FIT",
    "RUN_IN_BACKGROUND",
)


@register("visualsearch")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Report unknown names and invalid values in ``VISUALSEARCH``."""
    known = ", ".join(conf.DEFAULTS)
    found: list[CheckMessage] = [
        Error(
            f"VISUALSEARCH has no setting “{name}”.",
            hint=f"Use one of: {known}.",
            id="visualsearch.E001",
        )
        for name in getattr(settings, "VISUALSEARCH", {})
        if name not in conf.DEFAULTS
    ]
    for name, (kind, least) in NUMBERS.items():
        value = conf.get(name)
        # bool is a subclass of int, but not meant as a number here.
        if isinstance(value, bool) or not isinstance(value, kind) or value < least:
            what = "whole number" if kind is int else "number"
            found.append(
                Error(
                    f"VISUALSEARCH[“{name}”] is {value!r}.",
                    hint=f"Set it to a {what} of at least {least}, or remove it for the default.",
                    id="visualsearch.E002",
                )
            )
    memory = conf.get("MAX_DECODE_MEMORY")
    if memory is not None and (not isinstance(memory, int) or memory < 1):
        found.append(
            Error(
                f"VISUALSEARCH[“MAX_DECODE_MEMORY”] is {memory!r}.",
                hint="Set it to a number of bytes, or to None for a quarter of the memory.",
                id="visualsearch.E002",
            )
        )
    for name in SWITCHES:
        if not isinstance(conf.get(name), bool):
            found.append(
                Error(
                    f"VISUALSEARCH[“{name}”] is {conf.get(name)!r}.",
                    hint="Set it to True or False.",
                    id="visualsearch.E002",
                )
            )
    return found


@register("visualsearch")
def check_classes(**kwargs: Any) -> list[CheckMessage]:
    """Report dotted paths that cannot be imported, and a catalog that is no CatalogSource."""
    found: list[CheckMessage] = []
    catalogs = conf.get("CATALOGS") or {"CATALOG": conf.get("CATALOG")}
    paths = catalogs | {name: conf.get(name) for name in ("ENCODER", "INDEX")}
    for name, path in paths.items():
        try:
            kind = import_string(path)
        except ImportError as error:
            found.append(
                Error(
                    f"VISUALSEARCH[“{name}”] cannot be imported: {error}.",
                    hint="Set it to a class's dotted path, such as “shop.visual.ProductCatalog”.",
                    id="visualsearch.E003",
                )
            )
            continue
        if name in catalogs and not (isinstance(kind, type) and issubclass(kind, CatalogSource)):
            found.append(
                Error(
                    f"{path} is not a catalog source.",
                    hint="Derive it from visualsearch.catalogs.CatalogSource.",
                    id="visualsearch.E004",
                )
            )
    return found


@register("visualsearch")
def check_catalogs(**kwargs: Any) -> list[CheckMessage]:
    """Report several catalogs that cannot be told apart."""
    catalogs, chosen_by = conf.get("CATALOGS"), conf.get("CATALOG_OF_REQUEST")
    found: list[tuple[str, str]] = []
    if catalogs and conf.get("CATALOG"):
        found.append(("has both “CATALOG” and “CATALOGS”.", "Remove “CATALOG”."))
    names = list(catalogs) if conf.get("CATALOG_NAME") is None else [conf.get("CATALOG_NAME")]
    for name in names:
        if not VALID.fullmatch(str(name)):
            hint = f"Use 1–{MAX_CATALOG_NAME} lower-case letters, digits, - and _."
            found.append((f"names a catalog {name!r}.", hint))
    if len(catalogs) > 1 and MIDDLEWARE not in settings.MIDDLEWARE:
        hint = f"Add “{MIDDLEWARE}” at the end of MIDDLEWARE, and set “CATALOG_OF_REQUEST”."
        found.append(("has several catalogs, but all requests go to the first.", hint))
    if chosen_by:
        try:
            import_string(chosen_by)
        except ImportError as error:
            hint = "Name a function, such as “visualsearch.middleware.by_language”."
            found.append((f"“CATALOG_OF_REQUEST” cannot be imported: {error}.", hint))
    return [
        Error(f"VISUALSEARCH {text}", hint=hint, id="visualsearch.E012") for text, hint in found
    ]


@register("visualsearch")
def check_model(**kwargs: Any) -> list[CheckMessage]:
    """Report a model package that is missing or cannot be read."""
    # Imported here because web processes import this module and need no ONNX Runtime.
    from .encoders.onnx import OnnxEncoder

    try:
        kind = import_string(conf.get("ENCODER"))
    except ImportError:
        return []  # reported by check_classes
    if not (isinstance(kind, type) and issubclass(kind, OnnxEncoder)):
        return []
    options = conf.get("ENCODER_OPTIONS")
    try:
        load_package(Path(options["package"])).read()
    except (ModelUnavailable, KeyError) as error:
        return [
            Error(
                str(error),
                hint="Set VISUALSEARCH[“ENCODER_OPTIONS”][“package”] to the folder of a model.",
                id="visualsearch.E005",
            )
        ]
    return []


@register("visualsearch")
def check_redis(**kwargs: Any) -> list[CheckMessage]:
    """Report a missing Redis address if Celery is used."""
    if conf.get("USE_CELERY") is not True or conf.get("REDIS_URL"):
        return []
    return [
        Error(
            "VISUALSEARCH[“USE_CELERY”] needs Redis to pass photos to search workers.",
            hint="Set VISUALSEARCH[“REDIS_URL”], for example to redis://localhost:6379/0.",
            id="visualsearch.E006",
        )
    ]


@register("visualsearch")
def check_heic(**kwargs: Any) -> list[CheckMessage]:
    """Report that pillow-heif is not installed although HEIC is switched on."""
    if conf.get("HEIC") is not True or find_spec("pillow_heif"):
        return []
    return [
        Error(
            "VISUALSEARCH[“HEIC”] needs the package pillow-heif.",
            hint="Run “pip install visualsearch[heic]”, or set VISUALSEARCH[“HEIC”] to False.",
            id="visualsearch.E010",
        )
    ]


@register("visualsearch")
def check_catalog_formats(**kwargs: Any) -> list[CheckMessage]:
    """Report unknown formats of catalog images."""
    value = conf.get("CATALOG_FORMATS")
    if isinstance(value, list | tuple) and set(value) <= set(FOR_CATALOGS):
        return []
    return [
        Error(
            f"VISUALSEARCH[“CATALOG_FORMATS”] is {value!r}.",
            hint=f"Set it to a list with any of: {', '.join(FOR_CATALOGS)}.",
            id="visualsearch.E013",
        )
    ]


@register("visualsearch")
def check_fetching(**kwargs: Any) -> list[CheckMessage]:
    """Report invalid origins and networks for downloading photos."""
    hints = {
        "FETCH_ORIGINS": "Set it to a list of origins such as “https://images.example.com”:"
        " scheme, host and, unless it is the default, port.",
        "FETCH_NETWORKS": "Set it to a list of networks such as “10.1.0.0/16”.",
    }
    found: list[CheckMessage] = []
    for name, parse in (("FETCH_ORIGINS", origin_of), ("FETCH_NETWORKS", ip_network)):
        value = conf.get(name)
        try:
            if not isinstance(value, list | tuple) or not all(isinstance(x, str) for x in value):
                raise ValueError(f"{value!r} is not a list of strings")
            for each in value:
                parse(each)
        except ValueError as error:
            text = f"VISUALSEARCH[“{name}”]: {error}."
            found.append(Error(text, hint=hints[name], id="visualsearch.E009"))
    return found


@register("visualsearch")
def check_throttle(**kwargs: Any) -> list[CheckMessage]:
    """Report rates of ``THROTTLE`` that cannot be parsed, and unknown scopes."""
    rates = conf.get("THROTTLE")
    if rates is None:
        return []
    hint = "Set it to None, or to rates by scope such as {“search”: “60/min”, “read”: “300/min”}."
    if not isinstance(rates, dict):
        return [Error(f"VISUALSEARCH[“THROTTLE”] is {rates!r}.", hint=hint, id="visualsearch.E008")]
    return [
        Error(
            f"VISUALSEARCH[“THROTTLE”] has an invalid rate, {scope!r}: {rate!r}.",
            hint=hint,
            id="visualsearch.E008",
        )
        for scope, rate in rates.items()
        if not is_rate(scope, rate)
    ]


def is_rate(scope: Any, rate: Any) -> bool:
    """Return whether ``scope`` is known and ``rate`` valid; the rate None (no limit) is valid."""
    from .web.throttles import SCOPES, parse_rate

    if scope not in SCOPES:
        return False
    try:
        return rate is None or bool(parse_rate(rate))
    except (TypeError, ValueError):
        return False


@register("visualsearch", deploy=True)
def check_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Warn in production if clients can forge the address by which they are rate limited."""
    if not conf.get("THROTTLE") or "NUM_PROXIES" in getattr(settings, "REST_FRAMEWORK", {}):
        return []
    return [
        Warning(
            "Clients can avoid the rate limits by forging their IP address.",
            hint="Set REST_FRAMEWORK[“NUM_PROXIES”] to the number of proxies in front of this"
            " server that add to X-Forwarded-For (0 for none), or set VISUALSEARCH[“THROTTLE”] to"
            " None.",
            id="visualsearch.W002",
        )
    ]


@register("visualsearch")
def check_database(**kwargs: Any) -> list[CheckMessage]:
    """Report a database in which this app's rows cannot be stored correctly."""
    alias = database()
    if connections[alias].vendor in SUPPORTED_DATABASES:
        return []
    return [
        Error(
            f"The database “{alias}” is {connections[alias].display_name}, which is not supported.",
            hint="Keep this app's tables in PostgreSQL or SQLite: add such a database to DATABASES,"
            " and a router that returns it for the app label “visualsearch”.",
            id="visualsearch.E011",
        )
    ]


@register("visualsearch")
def check_sqlite(**kwargs: Any) -> list[CheckMessage]:
    """Warn about SQLite's default options, with which processes lock each other out."""
    alias = database()
    connection = connections[alias]
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return []
    options = connection.settings_dict["OPTIONS"]
    waits = str(options.get("transaction_mode", "")).upper() in ("IMMEDIATE", "EXCLUSIVE")
    if waits and "wal" in str(options.get("init_command", "")).lower():
        return []
    return [
        Warning(
            f"The database “{alias}” is SQLite with its default options: while one process writes,"
            " others wait, and some of them fail.",
            hint=f"Set DATABASES[“{alias}”][“OPTIONS”] to {SQLITE_OPTIONS}.",
            id="visualsearch.W003",
        )
    ]


@register("visualsearch")
def check_csrf(**kwargs: Any) -> list[CheckMessage]:
    """Warn if the search page has a form whose CSRF token no cookie confirms."""
    try:
        address = reverse("visualsearch:search_page")
    except (NoReverseMatch, ImproperlyConfigured, ImportError):
        return []  # the API alone, or a fault of the URLs that Django reports
    if any(is_csrf_middleware(path) for path in settings.MIDDLEWARE):
        return []
    return [
        Warning(
            f"Photos that are sent from {address} without JavaScript are refused, because no"
            " middleware sets the CSRF cookie.",
            hint="Add “django.middleware.csrf.CsrfViewMiddleware” to MIDDLEWARE.",
            id="visualsearch.W004",
        )
    ]


def is_csrf_middleware(path: str) -> bool:
    """Return whether a dotted path names CsrfViewMiddleware or a subclass."""
    try:
        kind = import_string(path)
    except ImportError:
        return False
    return isinstance(kind, type) and issubclass(kind, CsrfViewMiddleware)


@register("visualsearch")
def check_labelled_queries(**kwargs: Any) -> list[CheckMessage]:
    """Report a missing file of labelled photos."""
    value = conf.get("LABELLED_QUERIES")
    return [
        Error(
            f"VISUALSEARCH[“LABELLED_QUERIES”] names {path!r}, which is not a file.",
            hint="Set it to a CSV file with the columns image,sku[,style], or remove the setting.",
            id="visualsearch.E007",
        )
        for path in (value.values() if isinstance(value, dict) else [value])
        if path and not Path(path).is_file()
    ]


@register("visualsearch", deploy=True)
def check_data_dir(**kwargs: Any) -> list[CheckMessage]:
    """Warn in production about a relative index folder, which depends on the working directory."""
    if Path(conf.get("DATA_DIR")).is_absolute():
        return []
    return [
        Warning(
            "VISUALSEARCH[“DATA_DIR”] is a relative path.",
            hint="Set it to an absolute path that all processes on this machine share.",
            id="visualsearch.W001",
        )
    ]
