"""The pages of the shop: home and text search, a category, a product."""

import logging
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.generic import DetailView, ListView

from visualsearch import dispatch
from visualsearch.exceptions import VisualSearchError

from .models import Category, Product, ProductQuerySet

logger = logging.getLogger(__name__)

PAGE_SIZE = 24
NEWEST = 8
TILES = 12
SIMILAR = 4


def matching(products: ProductQuerySet, words: str) -> ProductQuerySet:
    """Products in whose name, category or colour each of the words occurs."""
    for word in words.split():
        products = products.filter(
            Q(name__icontains=word) | Q(category__name__icontains=word) | Q(color__icontains=word)
        )
    return products


def category_tiles() -> list[tuple[Category, Product]]:
    """The largest categories, each with the newest of its products that has a picture."""
    pictured = Product.objects.published().filter(images__isnull=False).order_by()
    largest = pictured.values("category").annotate(size=Count("pk", distinct=True), key=Max("pk"))
    keys = [row["key"] for row in largest.order_by("-size", "category")[:TILES]]
    products = Product.objects.for_cards().filter(pk__in=keys).order_by("category__name")
    return [(product.category, product) for product in products]


def similar_cards(product: Product) -> list[dict[str, Any]]:
    """Cards of the products that look like this one; none while search by photo is unavailable."""
    try:
        result = dispatch.similar(product.sku, limit=SIMILAR)
    except VisualSearchError as error:
        logger.info("No similar products for %s: %s", product, error)
        return []
    return [hit.card for hit in result.hits]


class ProductListView(ListView):
    """A page of product cards."""

    context_object_name = "products"
    paginate_by = PAGE_SIZE
    template_name = "shop/product_list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        page = context["page_obj"]
        context["page_range"] = page.paginator.get_elided_page_range(
            page.number, on_each_side=1, on_ends=1
        )
        return context


class HomeView(ProductListView):
    """The front page, or with `?q=` what matches the words."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # SQLite and PostgreSQL both refuse a NUL in a text.
        self.words = request.GET.get("q", "").replace("\x00", "").strip()[:200]
        return super().dispatch(request, *args, **kwargs)

    def get_template_names(self) -> list[str]:
        return ["shop/product_list.html" if self.words else "shop/home.html"]

    def get_queryset(self) -> QuerySet[Product]:
        products = Product.objects.published().for_cards()
        if self.words:
            return matching(products, self.words)
        return products.order_by("-created", "-pk")[:NEWEST]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["words"] = self.words
        if not self.words:
            context["tiles"] = category_tiles()
        return context


class CategoryView(ProductListView):
    def get_queryset(self) -> QuerySet[Product]:
        self.category = get_object_or_404(Category, slug=self.kwargs["slug"])
        return self.category.products.published().for_cards()

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
        context["similar"] = similar_cards(product)
        return context
