"""Find products for a ranking rule: by key or name, and those that a rule matches now."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import CharField, Q, QuerySet
from django.http import HttpRequest

from ..catalogs import catalog
from ..models import RankingRule
from ..search.rule_products import Selection

FOUND, SHOWN = 12, 12


def cards(keys: list[str]) -> list[dict[str, Any]]:
    """Return key, name and image (URL or None) of the products with these keys, in order.

    A product that is not on sale has its key as its name.
    """
    source = catalog()
    items = source.by_key(keys, source.listed())
    found = []
    for key in keys:
        card = source.safe_card(items[key]) if key in items else None
        name = str((card or {}).get("name") or key)
        found.append({"key": key, "name": name, "image": (card or {}).get("image")})
    return found


def search(site: AdminSite, request: HttpRequest, text: str) -> list[dict[str, Any]]:
    """Return cards of products on sale with this key or this text in their names.

    Products are searched as in the shop's product admin; without one, in their text fields.
    """
    source = catalog()
    rows = source.visible()
    own = site._registry.get(source.model)
    if own is not None and own.get_search_fields(request):
        rows, _duplicates = own.get_search_results(request, rows, text)
    else:
        rows = rows.filter(in_text(text))
    exact = list(source.by_key([text]))
    keys = [source.key_of(item) for item in distinct(rows)[:FOUND]]
    return cards(list(dict.fromkeys([*exact, *keys]))[:FOUND])


def distinct(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the rows of a queryset, each once and in a fixed order."""
    pks = rows.order_by().values("pk")
    return catalog().visible().filter(pk__in=pks).order_by("pk")


def in_text(text: str) -> Q:
    """Return the condition that a text field of the item contains ``text``."""
    condition = Q()
    for field in catalog().model._meta.fields:
        if isinstance(field, CharField):
            condition |= Q(**{f"{field.name}__icontains": text})
    return condition or Q(pk__isnull=True)


def matches(rule: RankingRule) -> dict[str, Any]:
    """Return how many products a rule selects now, and cards of the first ones.

    Keys: ``count`` and ``products``. Raises ValidationError for a filter that the shop refuses.
    """
    keys = Selection.of(rule).read()
    if rule.selection == RankingRule.Products.CHOSEN:
        visible = catalog().keys_visible(keys)
        keys = [key for key in keys if key in visible]
    keys = list(dict.fromkeys(keys))
    return {"count": len(keys), "products": cards(keys[:SHOWN])}
