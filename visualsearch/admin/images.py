"""The admin of images: the state of each in the index, and a retry of failed ones."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..catalogs import catalog
from ..models import Embedding, Run
from ..versions import lifecycle
from . import product_links
from .base import ReadOnlyAdmin
from .number_formats import badge, moment
from .start_run import ADD, start_and_tell


class ResultFilter(admin.SimpleListFilter):
    """A filter by the state of an image: failed, indexed or not on sale."""

    title = _("result")
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices of the filter."""
        return [("failed", _("failed")), ("indexed", _("indexed")), ("removed", _("not on sale"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Embedding]) -> QuerySet[Embedding]:
        """Return the rows in the chosen state."""
        if self.value() == "failed":
            return failed(queryset)
        if self.value() == "removed":
            return queryset.filter(removed=True)
        if self.value() == "indexed":
            return queryset.searchable()  # type: ignore[attr-defined]
        return queryset


def failed(rows: QuerySet[Embedding]) -> QuerySet[Embedding]:
    """Return those of ``rows`` whose image failed with the active version's encoder.

    If no version is active, those that failed with any encoder.
    """
    active = lifecycle.active_version()
    rows = rows.filter(removed=False).exclude(error="")
    return rows.filter(encoder=active.encoder) if active else rows


class ImageList(ChangeList):
    """A changelist that looks up the products of all rows of a page with one query."""

    def get_results(self, request: HttpRequest) -> None:
        """Set ``product`` (a :class:`product_links.Product`) on each row of the page."""
        super().get_results(request)
        rows = list(self.result_list)
        named = product_links.products(self.model_admin.admin_site, [row.item for row in rows])
        for row in rows:
            row.product = named[row.item]
        self.result_list = rows


@admin.register(Embedding)
class EmbeddingAdmin(ReadOnlyAdmin):
    """Admin of embeddings: one row per image and encoder."""

    list_display = [
        "thumbnail",
        "product",
        "state",
        "attempts",
        "next_attempt",
        "file",
        "changed",
    ]
    list_display_links = ["thumbnail"]
    list_filter = [ResultFilter, "encoder"]
    list_per_page = 50
    search_fields = ["item", "image"]
    exclude = ["vector"]
    ordering = ["item", "image"]
    actions = ["retry"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Embedding]:
        """Return the rows without their vectors, which are not shown."""
        return super().get_queryset(request).defer("vector")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the changelist that looks up products."""
        return ImageList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with a button that retries all failed images."""
        count = failed(Embedding.objects.all()).count() if request.user.has_perm(ADD) else 0
        chosen = request.GET.get(ResultFilter.parameter_name) == "failed"
        context = {"failed_count": count, "title": _("Failed images") if chosen else _("Images")}
        return super().changelist_view(request, {**(extra_context or {}), **context})

    @admin.display(description=_("image"))
    def thumbnail(self, row: Embedding) -> SafeString:
        """Return the thumbnail, with the row's ``str()`` as hidden text for screen readers."""
        hidden = format_html('<span class="visually-hidden">{}</span>', row)
        return thumbnail(row.image) + hidden

    @admin.display(description=_("product"), ordering="item")
    def product(self, row: Embedding) -> SafeString | str:
        """Return the product's name, linked to its page in this admin if there is one."""
        product: product_links.Product = row.product  # type: ignore[attr-defined]
        if not product.url:
            return product.name
        return format_html('<a href="{}">{}</a>', product.url, product.name)

    @admin.display(description=_("state"))
    def state(self, row: Embedding) -> SafeString:
        """Return the image's state as a coloured badge, with the error if it failed."""
        if not row.error:
            return state_of(row)
        return format_html('{} <span class="vs-reason">{}</span>', state_of(row), row.error)

    @admin.display(description=_("next attempt"), ordering="retry_at")
    def next_attempt(self, row: Embedding) -> str:
        """Return when a failed image is retried automatically, a dash if never."""
        return moment(row.retry_at)

    @admin.display(description=_("updated"), ordering="updated")
    def changed(self, row: Embedding) -> str:
        """Return when the row was last updated."""
        return moment(row.updated)

    @admin.display(description=_("file"), ordering="image")
    def file(self, row: Embedding) -> SafeString:
        """Return the file name in an element that wraps long names."""
        return format_html('<span class="vs-file">{}</span>', row.image)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may retry images; that needs permission to add runs."""
        return request.user.has_perm(ADD)

    @admin.action(description=_("Reindex the selected images"), permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Embedding]) -> None:
        """Start a run for the products that the selected images belong to."""
        keys = sorted(set(queryset.values_list("item", flat=True)))
        start_and_tell(self, request, Run.Scope.CHOSEN, keys)


def state_of(row: Embedding | None) -> SafeString:
    """Return an image's state as a coloured badge; ``row`` is None if it is not indexed yet."""
    if row is None:
        return badge("quiet", _("not indexed yet"))
    if row.removed:
        return badge("quiet", _("not on sale"))
    if row.error:
        return badge("bad", _("failed"))
    if row.left_out:
        return badge("warning", _("placeholder, left out"))
    return badge("good", _("indexed"))


def thumbnail(name: str) -> SafeString:
    """Return an ``<img>`` for an image's storage name, without alt text.

    Put the image's name beside it.
    """
    url = catalog().image_url(name)
    return format_html(
        '<span class="vs-thumb"><img src="{}" alt="" loading="lazy"></span>',
        url,
    )
