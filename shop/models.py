"""Models of the sample shop. `shop.visual` connects them to search by photo."""

from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _


class Category(models.Model):
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("slug"), max_length=120, unique=True, allow_unicode=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("category")
        verbose_name_plural = _("categories")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.slug = self.slug or slugify(self.name, allow_unicode=True)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("shop:category", args=[self.slug])


class ProductQuerySet(models.QuerySet["Product"]):
    def published(self) -> "ProductQuerySet":
        """Return the products that shoppers may see."""
        return self.filter(published=True)

    def for_cards(self) -> "ProductQuerySet":
        """Fetch everything that product cards show in a fixed number of queries."""
        return self.select_related("category").prefetch_related("images")

    def with_picture(self) -> "ProductQuerySet":
        """Annotate the file name of the main picture as ``picture``, in the same query."""
        pictures = ProductImage.objects.filter(product=models.OuterRef("pk"))
        return self.annotate(picture=models.Subquery(pictures.values("image")[:1]))


@lru_cache(maxsize=10_000)
def slug_of(name: str) -> str:
    """Return the slug of a product name; cached, because a result page needs dozens."""
    return slugify(name) or "product"


@lru_cache(maxsize=10_000)
def address_of(key: int, slug: str) -> str:
    """Return the URL of the page of the product with primary key `key`; cached."""
    return reverse("shop:product", args=[key, slug])


class Product(models.Model):
    """A product on sale: one colour of one style."""

    sku = models.CharField(_("SKU"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, related_name="products", verbose_name=_("category")
    )
    price = models.DecimalField(
        _("price"), max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    style = models.CharField(
        _("style"),
        max_length=64,
        blank=True,
        db_index=True,
        help_text=_("Products of one style differ only in colour."),
    )
    gender = models.CharField(_("gender"), max_length=32, blank=True)
    color = models.CharField(_("colour"), max_length=64, blank=True)
    material = models.CharField(_("material"), max_length=200, blank=True)
    pattern = models.CharField(_("pattern"), max_length=64, blank=True)
    stock = models.PositiveIntegerField(
        _("stock"),
        null=True,
        blank=True,
        help_text=_("Leave empty if stock is not tracked: the product is always available."),
    )
    published = models.BooleanField(_("published"), default=True, db_index=True)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("product")
        verbose_name_plural = _("products")
        indexes = [
            # Pages show the newest ones of any number.
            models.Index(
                fields=["-created", "-id"], name="newest", condition=models.Q(published=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.sku})"

    def get_absolute_url(self) -> str:
        return address_of(self.pk, self.slug)

    @property
    def slug(self) -> str:
        """Slug in the product's URL; only the primary key selects the product."""
        return slug_of(self.name)

    @property
    def in_stock(self) -> bool:
        return self.stock is None or self.stock > 0

    @property
    def main_image(self) -> "ProductImage | None":
        return next(iter(self.images.all()), None)


class ProductImage(models.Model):
    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, related_name="images", verbose_name=_("product")
    )
    image = models.ImageField(_("image"), upload_to="products/", max_length=255)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("product image")
        verbose_name_plural = _("product images")

    def __str__(self) -> str:
        return str(self.image)
