from django.contrib import admin, messages
from django.db import models
from django.db.models import Count
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from visualsearch.admin import SearchableAdmin

from .models import Category, Product, ProductImage


def thumbnail(image: ProductImage | None, height: int) -> SafeString | str:
    if image is None or not image.image:
        return "—"
    return format_html(
        '<img src="{}" alt="" height="{}" loading="lazy">',
        image.image.url,
        height,
    )


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = ["name", "slug", "product_count"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Category]:
        return super().get_queryset(request).annotate(product_count=Count("products"))

    @admin.display(description=_("products"), ordering="product_count")
    def product_count(self, category: Category) -> int:
        return category.product_count  # type: ignore[attr-defined]


class ProductImageInline(admin.TabularInline):
    model = ProductImage
    extra = 1
    fields = ["preview", "image", "position"]
    readonly_fields = ["preview"]

    @admin.display(description=_("preview"))
    def preview(self, image: ProductImage) -> SafeString | str:
        return thumbnail(image, 120)


@admin.register(Product)
class ProductAdmin(SearchableAdmin):
    list_display = ["picture", "name", "sku", "category", "color", "price", "stock", "published"]
    list_display_links = ["picture", "name"]
    list_filter = ["published", "category", "color", "gender"]
    search_fields = ["name", "sku", "style"]
    list_select_related = ["category"]
    autocomplete_fields = ["category"]
    readonly_fields = ["created", "updated"]
    inlines = [ProductImageInline]
    actions = ["publish", "hide"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Product]:
        return super().get_queryset(request).prefetch_related("images")

    @admin.display(description=_("picture"))
    def picture(self, product: Product) -> SafeString | str:
        return thumbnail(product.main_image, 56)

    @admin.action(description=_("Publish the selected products"), permissions=["change"])
    def publish(self, request: HttpRequest, products: models.QuerySet[Product]) -> None:
        self.set_published(request, products, published=True)

    @admin.action(description=_("Hide the selected products"), permissions=["change"])
    def hide(self, request: HttpRequest, products: models.QuerySet[Product]) -> None:
        self.set_published(request, products, published=False)

    def set_published(
        self, request: HttpRequest, products: models.QuerySet[Product], *, published: bool
    ) -> None:
        changed = list(products.exclude(published=published))
        # Save one by one: `update()` sends no signal, so the search index would miss the change.
        for product in changed:
            product.published = published
            product.save(update_fields=["published", "updated"])
        count = len(changed)
        text = ngettext("%d product changed.", "%d products changed.", count) % count
        self.message_user(request, text, messages.SUCCESS)
