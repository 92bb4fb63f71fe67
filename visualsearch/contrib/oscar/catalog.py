"""The catalog of a django-oscar shop: ``VISUALSEARCH["CATALOG"]``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, Model, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.fields.files import FieldFile
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from oscar.core.loading import get_class, get_model
from oscar.templatetags.currency_filters import currency

from ...catalogs import CatalogSource
from ...class_names import WORDS
from ...facets import Choice, Ordering, Range
from . import category_tree
from .filters import ProductFilter
from .thumbnails import thumbnail_url

Product = get_model("catalogue", "Product")
ProductImage = get_model("catalogue", "ProductImage")
StockRecord = get_model("partner", "StockRecord")
Selector = get_class("partner.strategy", "Selector")


class OscarCatalog(CatalogSource):
    """Public standalone and parent products; the pictures of variants count for their parent.

    As in oscar's own lists, the category of a product does not decide whether it is shown. Prices
    and availability are those of oscar's strategy for the request, so a change of a stock record
    shows at once and needs no reindex.
    """

    model = Product
    thumbnails = True
    filterset_class = ProductFilter
    facets = [
        Choice(
            name="product_class",
            label=_("Type"),
            field="product_class__slug",
            shown="product_class__name",
        ),
        Range(name="price", label=_("Price"), field="lowest_price"),
    ]
    orderings = [
        Ordering(
            value="price",
            label=_("Price, low to high"),
            fields=(F("lowest_price").asc(nulls_last=True),),
        ),
        Ordering(
            value="-price",
            label=_("Price, high to low"),
            fields=(F("lowest_price").desc(nulls_last=True),),
        ),
        Ordering(value="newest", label=_("Newest first"), fields=("-date_created",)),
        Ordering(value="title", label=_("Name, A to Z")),
        Ordering(
            value="rating", label=_("Best rated"), fields=(F("rating").desc(nulls_last=True),)
        ),
    ]

    # A parent and its variants are one item, so there is no ``group``.
    search_fields = [
        "title",
        "upc",
        "product_class__name",
        "categories__name",
        "attribute_values__value_text",
        "attribute_values__value_option__option",
        "attribute_values__value_multi_option__option",
        "children__title",
        "children__upc",
        "children__attribute_values__value_text",
        "children__attribute_values__value_option__option",
        "children__attribute_values__value_multi_option__option",
    ]

    def on_sale(self) -> QuerySet[Any]:
        """Return the products to index and to show; override it to leave some out."""
        rows: QuerySet[Any] = Product.objects.browsable()
        return rows

    def visible(self) -> QuerySet[Any]:
        """Return the products to index, with their pictures and ``lowest_price``."""
        variants = Product.objects.public().prefetch_related("images")
        rows: Any = self.on_sale().prefetch_related("images")
        found: QuerySet[Any] = rows.prefetch_public_children(variants).annotate(
            lowest_price=Coalesce(
                cheapest(product=OuterRef("pk")),
                cheapest(product__parent=OuterRef("pk"), product__is_public=True),
            )
        )
        return found

    def listed(self) -> QuerySet[Any]:
        """Return the products for cards: all that oscar's strategies read is prefetched."""
        stock = Prefetch("stockrecords", StockRecord.objects.select_related("partner"))
        variants = Product.objects.public().prefetch_related("images", stock)
        rows: Any = self.on_sale().select_related("product_class").order_by()
        rows = rows.prefetch_public_children(variants).prefetch_browsable_categories()
        found: QuerySet[Any] = rows.prefetch_related("images", stock)
        return found

    def sold_out(self) -> QuerySet[Any]:
        """Return the products of tracked stock of which no stock record has any left."""
        left = StockRecord.objects.filter(num_in_stock__gt=Coalesce(F("num_allocated"), 0))
        own = left.filter(product=OuterRef("pk"))
        variants = left.filter(product__parent=OuterRef("pk"), product__is_public=True)
        tracked = self.visible().filter(product_class__track_stock=True)
        return tracked.exclude(Exists(own) | Exists(variants))

    def suggested(self) -> QuerySet[Any]:
        """Return the products with the highest priority first, then the newest."""
        return self.listed().order_by("-priority", "-date_created", "-pk")

    def key_of(self, item: Any) -> str:
        """Return the product's primary key, or that of its parent if it is a variant."""
        return str(item.parent_id or item.pk)

    def images(self, item: Any) -> Iterable[FieldFile]:
        """Return the product's pictures, then those of its public variants."""
        products = [item, *item.get_public_children()]
        return [image.original for product in products for image in product.images.all()]

    def image_url(self, name: str) -> str:
        """Return the URL of a picture's thumbnail."""
        return thumbnail_url(name)

    def card(self, item: Any, request: HttpRequest | None = None) -> dict[str, Any]:
        """Return what oscar's own product lists show of a product."""
        names = [str(picture.name) for picture in self.images(item)]
        names.append(settings.OSCAR_MISSING_IMAGE_URL)  # type: ignore[misc]
        info = purchase_info(item, request)
        available = info.price.exists and info.availability.is_available_to_buy
        categories = item.get_categories()
        return {
            "key": self.key_of(item),
            "name": item.get_title(),
            "url": item.get_absolute_url(),
            "image": thumbnail_url(names[0]),
            **price_of(info),
            "available": bool(available),
            "availability": str(info.availability.short_message),
            "availability_code": info.availability.code,
            "category": categories[0].name if categories else None,
            "rating": item.rating,
        }

    def categories(self, classes: Iterable[str]) -> set[str]:
        """Return the classes that match the name of a category with products."""
        return category_tree.classes_sold(classes)

    def category_name(self, value: str) -> str:
        """Return the name of a class of the model, or of one of the shop's categories."""
        own = None if value in WORDS else category_tree.name_of(value)
        return own or super().category_name(value)

    def apply_tags(self, item: Any, tags: Mapping[str, str]) -> None:
        """Add the category that matches a class; fill in an empty attribute ``colour``.

        The attribute, ``colour`` or ``color``, must be one of the product's type, and of text.
        """
        if "class" in tags:
            for pk in category_tree.selected_by(tags["class"])[:1]:
                item.categories.add(pk)
        attributes = item.get_product_class().attributes
        for attribute in attributes.filter(code__in=("colour", "color"), type="text"):
            if "colour" in tags and not getattr(item.attr, attribute.code, None):
                setattr(item.attr, attribute.code, tags["colour"])
                item.attr.save()

    def watched(self) -> Mapping[type[Model], Callable[[Any], Any]]:
        """Return products and their pictures; a variant stands for its parent."""
        return {Product: self.key_of, ProductImage: lambda image: image.product}


def cheapest(**products: Any) -> Subquery:
    """Return a subquery for the lowest price in the stock records of some products."""
    records = StockRecord.objects.filter(price__isnull=False, **products)
    return Subquery(records.order_by("price").values("price")[:1])


def purchase_info(product: Any, request: HttpRequest | None) -> Any:
    """Return oscar's price, availability and stock record of a product for a request.

    The strategy is the one that oscar's middleware selected for the request.
    """
    strategy = getattr(request, "strategy", None) or Selector().strategy(request=request)
    if product.is_parent:
        return strategy.fetch_for_parent(product)
    return strategy.fetch_for_product(product)


def price_of(info: Any) -> dict[str, str | None]:
    """Return price, currency and formatted price, with tax if it is known, as oscar shows it."""
    price = info.price
    if not price.exists:
        return {"price": None, "price_label": None, "currency": None}
    amount = price.incl_tax if price.is_tax_known else price.excl_tax
    return {
        "price": str(amount),
        "price_label": currency(amount, price.currency),
        "currency": price.currency,
    }
