"""System checks of the classes that ``VISUALSEARCH`` names: catalogs, encoder, index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from .. import conf
from ..catalogs import CatalogSource
from ..catalogs.names import MAX_CATALOG_NAME, VALID
from ..encoders.package import load_package
from ..exceptions import ModelUnavailable

MIDDLEWARE = "visualsearch.middleware.CatalogMiddleware"


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
    from ..encoders.onnx import OnnxEncoder

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
