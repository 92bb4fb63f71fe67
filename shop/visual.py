"""Where the shop and search by photo meet: the shop's catalog as search by photo sees it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import django_filters
from django.db.models import Model, Q, QuerySet
from django.db.models.fields.files import FieldFile

from visualsearch.catalogs import CatalogSource

from .models import Product, ProductImage
from .prices import format_price


class ProductFilter(django_filters.FilterSet):
    """What a result list can be narrowed by."""

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
        """By slug or by name."""
        return queryset.filter(Q(category__slug=value) | Q(category__name__iexact=value))


class ProductCatalog(CatalogSource):
    """Published products by SKU."""

    model = Product
    key = "sku"
    filterset_class = ProductFilter

    def visible(self) -> QuerySet[Product]:
        return Product.objects.published().for_cards()

    def listed(self) -> QuerySet[Product]:
        return Product.objects.published().select_related("category").with_picture().order_by()

    def suggested(self) -> QuerySet[Product]:
        return self.listed().order_by("-created", "-pk")

    def images(self, item: Product) -> Iterable[FieldFile]:
        return [picture.image for picture in item.images.all()]

    def card(self, item: Any) -> dict[str, Any]:
        return {
            "key": item.sku,
            "name": item.name,
            "url": item.get_absolute_url(),
            "image": self.image_url(item.picture) if item.picture else None,
            "price": str(item.price),
            "price_label": format_price(item.price),
            "category": item.category.name,
            "color": item.color,
        }

    def watched(self) -> Mapping[type[Model], Callable[[Any], Any]]:
        return {Product: self.key_of, ProductImage: lambda picture: picture.product.sku}
