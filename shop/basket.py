"""The basket: kept in the visitor's session, with the search that found each product.

Search by photo learns of baskets and purchases here, see docs/storefront.md.
"""

import logging
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from visualsearch import events
from visualsearch.exceptions import VisualSearchError

from .models import Product

logger = logging.getLogger(__name__)

KEY = "basket"
MOST = 20


@dataclass(frozen=True, kw_only=True)
class Line:
    """A product in the basket. `query`: id of the search that found it, "" if none did."""

    product: Product
    quantity: int
    query: str

    @property
    def total(self) -> Decimal:
        return self.product.price * self.quantity


class Basket:
    """The basket of a visitor.

    The session has a dict by SKU: `{"quantity": int, "query": str}`.
    """

    def __init__(self, session: Any):
        self.session = session
        self.rows: dict[str, dict[str, Any]] = session.get(KEY, {})

    def __len__(self) -> int:
        return sum(row["quantity"] for row in self.rows.values())

    def add(self, sku: str, query: str) -> None:
        """Add one of a product; at most twenty, or as many as are in stock when shown."""
        row = self.rows.setdefault(sku, {"quantity": 0, "query": ""})
        row["quantity"] = min(row["quantity"] + 1, MOST)
        row["query"] = query or row["query"]
        self.session[KEY] = self.rows

    def remove(self, sku: str) -> None:
        """Remove a product; nothing happens if it is not in the basket."""
        self.rows.pop(sku, None)
        self.session[KEY] = self.rows

    def clear(self) -> None:
        self.session.pop(KEY, None)
        self.rows = {}

    def lines(self) -> list[Line]:
        """Return the products that are still published, in the order in which they were added."""
        products = Product.objects.published().for_cards().filter(sku__in=self.rows)
        found = {product.sku: product for product in products}
        return [
            Line(product=found[sku], quantity=row["quantity"], query=row["query"])
            for sku, row in self.rows.items()
            if sku in found
        ]


def search_behind(request: HttpRequest) -> str:
    """Return the id of the search whose results linked to this page, "" if none did.

    The results' address has it as `photo`, and browsers send that address as the Referer.
    """
    address = urlsplit(request.headers.get("Referer", ""))
    if address.netloc != request.get_host():
        return ""
    return parse_qs(address.query).get("photo", [""])[0]


def report(query: str, kind: str, sku: str) -> None:
    """Report to search by photo what became of a product that it found."""
    if not query:
        return
    try:
        events.record(query, kind, sku)
    except VisualSearchError as error:
        # The search is forgotten, or the form was tampered with. The customer may go on.
        logger.info("The %s of %s is not counted: %s", kind, sku, error)


def show(request: HttpRequest) -> HttpResponse:
    """Show the basket."""
    return listed(request, "shop/basket.html", Basket(request.session))


@require_POST
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a product to the basket, and show the basket; a product that is sold out is not added."""
    product = get_object_or_404(Product.objects.published(), pk=pk)
    if product.in_stock:
        query = request.POST.get("query", "")[:36]
        Basket(request.session).add(product.sku, query)
        report(query, "basket", product.sku)
    return redirect("shop:basket")


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a product from the basket, and show the basket."""
    product = get_object_or_404(Product, pk=pk)
    Basket(request.session).remove(product.sku)
    return redirect("shop:basket")


@require_POST
def buy(request: HttpRequest) -> HttpResponse:
    """Buy what is in the basket: a demo order, which is not stored. Show it once."""
    basket = Basket(request.session)
    if not len(basket):
        return redirect("shop:basket")
    response = listed(request, "shop/order.html", basket)
    for line in basket.lines():
        report(line.query, "purchase", line.product.sku)
    basket.clear()
    return response


def listed(request: HttpRequest, template: str, basket: Basket) -> HttpResponse:
    """Render a template with the lines of a basket and their total."""
    lines = basket.lines()
    total = sum((line.total for line in lines), Decimal(0))
    return render(request, template, {"lines": lines, "total": total})
