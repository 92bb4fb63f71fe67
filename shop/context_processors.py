from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from .basket import Basket
from .models import Category, Product

BRAND = "Maison Lumen"


def shown_categories() -> list[Category]:
    """Return the categories that have a published product."""
    sold = Product.objects.published().filter(category=OuterRef("pk"))
    return list(Category.objects.filter(Exists(sold)))


def storefront(request: HttpRequest) -> dict[str, Any]:
    """Return the template context of header and footer; what needs the database is lazy."""
    return {
        "brand": BRAND,
        "shop_categories": SimpleLazyObject(shown_categories),
        "basket": SimpleLazyObject(lambda: Basket(getattr(request, "session", {}))),
    }
