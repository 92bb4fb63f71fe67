"""Filters of search results, by the query parameters of their page."""

from __future__ import annotations

import django_filters
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from oscar.core.loading import get_model

from .category_tree import selected_by

Product = get_model("catalogue", "Product")
ProductCategory = get_model("catalogue", "ProductCategory")
StockRecord = get_model("partner", "StockRecord")


class ProductFilter(django_filters.FilterSet):
    """Filters by category, product type, price and stock.

    ``min_price`` and ``max_price`` compare the lowest price in the stock records of a product and
    its variants, before tax.
    """

    category = django_filters.CharFilter(method="in_category")
    product_class = django_filters.CharFilter("product_class__slug", "iexact")
    min_price = django_filters.NumberFilter("lowest_price", "gte")
    max_price = django_filters.NumberFilter("lowest_price", "lte")
    in_stock = django_filters.BooleanFilter(method="with_stock")

    class Meta:
        model = Product
        fields: list[str] = []

    def in_category(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        """Filter by category, including its descendants; see :func:`.selected_by`."""
        rows = ProductCategory.objects.filter(category__in=selected_by(value))
        return queryset.filter(pk__in=rows.values("product"))

    def with_stock(self, queryset: QuerySet, name: str, value: bool) -> QuerySet:
        """Filter by whether the product, or one of its public variants, can be delivered."""
        left = F("num_in_stock") - Coalesce("num_allocated", 0)
        records = StockRecord.objects.annotate(left=left)
        own = Q(product=OuterRef("pk"))
        of_variant = Q(product__parent=OuterRef("pk"), product__is_public=True)
        in_stock = Q(
            Exists(records.filter(own, left__gt=0)) | Exists(records.filter(of_variant, left__gt=0))
        )
        untracked = Q(product_class__track_stock=False) & Q(
            Exists(records.filter(own)) | Exists(records.filter(of_variant))
        )
        return queryset.filter(in_stock | untracked if value else ~(in_stock | untracked))
