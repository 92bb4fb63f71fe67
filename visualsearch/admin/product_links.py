"""Look up products by their keys in the index, with links to their admin pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.urls import reverse

from ..catalogs import catalog


@dataclass(frozen=True, kw_only=True)
class Product:
    """An item as shown in the admin; ``url``: its change page, "" if there is none."""

    key: str
    name: str
    url: str = ""


def products(site: AdminSite, keys: Iterable[str]) -> dict[str, Product]:
    """Return the products with these keys, as a dict by key, with one lookup.

    A product that is not on sale has its key as its name and no URL.
    """
    keys = list(dict.fromkeys(keys))
    source = catalog()
    shown = source.by_key(keys)
    found = {key: Product(key=key, name=key) for key in keys}
    if not site.is_registered(source.model):
        return found | {key: Product(key=key, name=str(item)) for key, item in shown.items()}
    meta = source.model._meta
    name = f"admin:{meta.app_label}_{meta.model_name}_change"
    for key, item in shown.items():
        url = reverse(name, args=[item.pk], current_app=site.name)
        found[key] = Product(key=key, name=str(item), url=url)
    return found
