from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from .models import Category, Product

BRAND = "Maison Lumen"


def shown_categories() -> list[Category]:
    """The categories a customer can find something in."""
    sold = Product.objects.published().filter(category=OuterRef("pk"))
    return list(Category.objects.filter(Exists(sold)))


def storefront(request: HttpRequest) -> dict[str, Any]:
    """What the header and the footer of every page show; queried only where a page shows it."""
    return {"brand": BRAND, "shop_categories": SimpleLazyObject(shown_categories)}
