"""Connect the shop to search by photo: catalog source, filters and categories."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import django_filters
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.db.models.fields.files import FieldFile
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from visualsearch.catalogs import CatalogSource
from visualsearch.class_names import WORDS, words_in
from visualsearch.facets import Choice, Described, Filters, Ordering, Range

from .models import Category, Product, ProductImage, address_of, slug_of
from .names import shown_name
from .prices import format_price


def of_class(label: str, categories: Iterable[tuple[int, str, str]]) -> list[int]:
    """Return the primary keys of the categories that match a class of the model.

    `categories`: (key, slug, name) of each.
    """
    wanted = WORDS.get(label, {label.lower()})
    return [pk for pk, _slug, name in categories if words_in(name) & wanted]


class ProductFilter(django_filters.FilterSet):
    """Filters of a result list, by the parameters of its URL."""

    category = django_filters.CharFilter(method="in_category")
    color = django_filters.CharFilter(lookup_expr="iexact")
    gender = django_filters.CharFilter(lookup_expr="iexact")
    material = django_filters.CharFilter(lookup_expr="icontains")
    min_price = django_filters.NumberFilter(field_name="price", lookup_expr="gte")
    max_price = django_filters.NumberFilter(field_name="price", lookup_expr="lte")

    class Meta:
        model = Product
        fields: list[str] = []

    def in_category(self, queryset: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """Filter by category: its slug, its name, or a class of the model."""
        rows = list(Category.objects.order_by().values_list("pk", "slug", "name"))
        named = [pk for pk, *names in rows if value.lower() in (each.lower() for each in names)]
        return queryset.filter(category__in=named or of_class(value, rows))


@cache
def listed_products() -> QuerySet[Product, Any]:
    """Return a query for the card fields of published products; it is built once."""
    products = Product.objects.published().with_picture().order_by()
    products = products.annotate(category_name=F("category__name"))
    shown = ("pk", "sku", "name", "price", "color", "picture", "category_name")
    return products.values_list(*shown, named=True)


@cache
class NamedChoice(Choice):
    """A facet whose options have names in the language of the page."""

    def describe(self, rows: QuerySet[Any], filters: Filters) -> Described | None:
        """Return the facet with translated labels, see :meth:`Choice.describe`."""
        facet = super().describe(rows, filters)
        if facet is None:
            return None
        names = [capfirst(shown_name(each["value"])) for each in facet["options"]]
        options = [
            each | {"label": name} for each, name in zip(facet["options"], names, strict=True)
        ]
        return facet | {"options": options}


def sold_categories() -> QuerySet[Category, str]:
    """Return a query for the names of categories with published products; it is built once."""
    sold = Product.objects.published().filter(category=OuterRef("pk"))
    return Category.objects.filter(Exists(sold)).order_by().values_list("name", flat=True)


class ProductCatalog(CatalogSource):
    """The catalog source of published products, identified by SKU."""

    model = Product
    key = "sku"
    filterset_class = ProductFilter
    group = "style"
    search_fields = ["name", "color", "material", "pattern", "style", "sku", "category__name"]
    out_of_stock = {"stock": 0}
    facets = [
        NamedChoice(name="color", label=_("Colour")),
        NamedChoice(name="gender", label=_("For")),
        NamedChoice(name="material", label=_("Material")),
        Range(name="price", label=_("Price")),
    ]
    orderings = [
        Ordering(value="price", label=_("Price, low to high")),
        Ordering(value="-price", label=_("Price, high to low")),
        Ordering(value="newest", label=_("Newest first"), fields=("-created",)),
    ]

    def visible(self) -> QuerySet[Product]:
        return Product.objects.published().for_cards()

    def listed(self) -> QuerySet[Product, Any]:
        return listed_products().all()

    def suggested(self) -> QuerySet[Product, Any]:
        return self.listed().order_by("-created", "-pk")

    def images(self, item: Product) -> Iterable[FieldFile]:
        return [picture.image for picture in item.images.all()]

    def card(self, item: Any) -> dict[str, Any]:  # type: ignore[override]
        return {
            "key": item.sku,
            "name": item.name,
            "url": address_of(item.pk, slug_of(item.name)),
            "image": self.image_url(item.picture) if item.picture else None,
            "price": str(item.price),
            "price_label": format_price(item.price),
            "category": shown_name(item.category_name),
            "color": shown_name(item.color),
        }

    def categories(self, classes: Iterable[str]) -> set[str]:
        sold = set().union(*map(words_in, sold_categories().all()))
        return {label for label in classes if WORDS.get(label, {label.lower()}) & sold}

    def category_name(self, value: str) -> str:
        own = None
        if value not in WORDS:
            own = Category.objects.filter(Q(slug=value) | Q(name__iexact=value)).first()
        return shown_name(own.name) if own else super().category_name(value)

    def apply_tags(self, item: Product, tags: Mapping[str, str]) -> None:
        """Fill in the colour if it is empty, and the category that matches a class."""
        rows = Category.objects.order_by().values_list("pk", "slug", "name")
        matching = of_class(tags["class"], rows) if "class" in tags else []
        if matching:
            item.category_id = matching[0]
        item.color = item.color or tags.get("colour", "")
        item.save(update_fields=["category", "color", "updated"])

    def watched(self) -> Mapping[type[Model], Callable[[Any], Any]]:
        return {Product: self.key_of, ProductImage: lambda picture: picture.product.sku}
