"""System checks of the values in ``VISUALSEARCH``."""

from __future__ import annotations

from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from .. import conf
from ..photos.allowed_origins import origin_of
from ..photos.format_limits import FOR_CATALOGS

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
    from ..web.throttles import SCOPES, parse_rate

    if scope not in SCOPES:
        return False
    try:
        return rate is None or bool(parse_rate(rate))
    except (TypeError, ValueError):
        return False


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
