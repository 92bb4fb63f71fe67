"""Pages of the shop: home and text search, category, product."""

import sys
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from django.views.generic import DetailView, ListView

from .basket import search_behind
from .models import Category, Product, ProductQuerySet

PAGE_SIZE = 24
NEWEST = 8
TILES = 12
PICTURES = 12
# Seconds after which to reload a page that failed because the database was away.
RETRY_AFTER = 5

# Sort orders by the value of `?sort=`.
SORTINGS = {
    "": (_("Name"), ("name", "pk")),
    "price": (_("Price, low to high"), ("price", "name", "pk")),
    "-price": (_("Price, high to low"), ("-price", "name", "pk")),
    "newest": (_("Newest first"), ("-created", "-pk")),
}


def matching(products: ProductQuerySet, words: str) -> ProductQuerySet:
    """Return the products in which each word occurs in the name, category or colour."""
    for word in words.split():
        products = products.filter(
            Q(name__icontains=word) | Q(category__name__icontains=word) | Q(color__icontains=word)
        )
    return products


def newest_products() -> QuerySet[Product]:
    """Return the eight products added most recently."""
    return Product.objects.published().for_cards().order_by("-created", "-pk")[:NEWEST]


def category_tiles() -> list[tuple[Category, Product]]:
    """Return the twelve largest categories, each with its newest product that has a picture."""
    pictured = Product.objects.published().filter(images__isnull=False).order_by()
    largest = pictured.values("category").annotate(size=Count("pk", distinct=True), key=Max("pk"))
    keys = [row["key"] for row in largest.order_by("-size", "category")[:TILES]]
    products = Product.objects.for_cards().filter(pk__in=keys).order_by("category__name")
    return [(product.category, product) for product in products]


class ProductListView(ListView):
    """A paginated, sortable list of product cards."""

    context_object_name = "products"
    paginate_by = PAGE_SIZE
    template_name = "shop/product_list.html"

    @property
    def sorting(self) -> str:
        """The sort order of the request, a key of :data:`SORTINGS`; the default if unknown."""
        asked = self.request.GET.get("sort", "")
        return asked if asked in SORTINGS else ""

    def sorted(self, products: QuerySet[Product]) -> QuerySet[Product]:
        """Return the products in the request's sort order."""
        return products.order_by(*SORTINGS[self.sorting][1])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        page = context["page_obj"]
        context["page_range"] = page.paginator.get_elided_page_range(
            page.number, on_each_side=1, on_ends=1
        )
        context["sorting"] = self.sorting
        context["sortings"] = [(value, label) for value, (label, _fields) in SORTINGS.items()]
        return context


class HomeView(ProductListView):
    """The front page, or the results of a text search with `?q=`."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # PostgreSQL and SQLite reject NUL characters.
        self.words = request.GET.get("q", "").replace("\x00", "").strip()[:200]
        return super().dispatch(request, *args, **kwargs)

    def get_template_names(self) -> list[str]:
        return ["shop/product_list.html" if self.words else "shop/home.html"]

    def get_queryset(self) -> QuerySet[Product]:
        if self.words:
            return self.sorted(matching(Product.objects.published().for_cards(), self.words))
        return newest_products()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["words"] = self.words
        if not self.words:
            context["tiles"] = category_tiles()
        elif not context["products"]:
            context["newest"] = newest_products()
        return context


class CategoryView(ProductListView):
    def get_queryset(self) -> QuerySet[Product]:
        self.category = get_object_or_404(Category, slug=self.kwargs["slug"])
        return self.sorted(self.category.products.published().for_cards())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(category=self.category, **kwargs)


class ProductView(DetailView):
    context_object_name = "product"
    template_name = "shop/product.html"

    def get_queryset(self) -> QuerySet[Product]:
        return Product.objects.published().for_cards()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = product = self.get_object()
        if kwargs["slug"] != product.slug:
            return redirect(product, permanent=True)
        return self.render_to_response(self.get_context_data(object=product))

    def get_object(self, queryset: QuerySet | None = None) -> Product:
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        product = self.object
        if product.style:
            others = self.get_queryset().filter(style=product.style).exclude(pk=product.pk)
            context["other_colors"] = others
        context["query"] = search_behind(self.request)
        context["pictures"] = list(product.images.all())[:PICTURES]
        return context


def server_error(request: HttpRequest) -> HttpResponse:
    """Show that something went wrong: 503 while the database is away, 500 for any other error."""
    # Without context processors, which may ask the database.
    page = render_to_string("500.html")
    if not isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        return HttpResponse(page, status=500)
    response = HttpResponse(page, status=503)
    response["Retry-After"] = str(RETRY_AFTER)
    return response
