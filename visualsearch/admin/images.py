"""Each picture's state in the index, and a retry for those that failed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from .. import versions
from ..catalogs import catalog
from ..models import Embedding, Run
from . import links
from .base import ReadOnlyAdmin
from .formats import badge, moment
from .starting import ADD, start


class ResultFilter(admin.SimpleListFilter):
    """Pictures by what became of them; failed are those that the active version lacks."""

    title = _("result")
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return [("failed", _("failed")), ("indexed", _("indexed")), ("removed", _("not on sale"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Embedding]) -> QuerySet[Embedding]:
        """The chosen ones."""
        if self.value() == "failed":
            return failed(queryset)
        if self.value() == "removed":
            return queryset.filter(removed=True)
        if self.value() == "indexed":
            return queryset.filter(removed=False, error="")
        return queryset


def failed(rows: QuerySet[Embedding]) -> QuerySet[Embedding]:
    """Those that could not be read or encoded for the active version."""
    active = versions.active()
    rows = rows.filter(removed=False).exclude(error="")
    return rows.filter(encoder=active.encoder) if active else rows


class ImageList(ChangeList):
    """A page of rows that know their product, found in one look-up for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        """The rows of this page."""
        super().get_results(request)
        rows = list(self.result_list)
        named = links.products(self.model_admin.admin_site, [row.item for row in rows])
        for row in rows:
            row.product = named[row.item]
        self.result_list = rows


@admin.register(Embedding)
class EmbeddingAdmin(ReadOnlyAdmin):
    """One row per picture and encoder."""

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
        """Without the vectors, which nobody reads."""
        return super().get_queryset(request).defer("vector")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that knows products."""
        return ImageList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with a button that retries all that failed."""
        count = failed(Embedding.objects.all()).count() if request.user.has_perm(ADD) else 0
        chosen = request.GET.get(ResultFilter.parameter_name) == "failed"
        context = {"failed_count": count, "title": _("Failed images") if chosen else _("Images")}
        return super().changelist_view(request, {**(extra_context or {}), **context})

    @admin.display(description=_("image"))
    def thumbnail(self, row: Embedding) -> SafeString:
        """The picture; where it cannot be shown, what lies behind it says so."""
        hidden = format_html('<span class="visually-hidden">{}</span>', row)
        return thumbnail(row.image) + hidden

    @admin.display(description=_("product"), ordering="item")
    def product(self, row: Embedding) -> SafeString | str:
        """Leads to its page in this admin."""
        product: links.Product = row.product  # type: ignore[attr-defined]
        if not product.url:
            return product.name
        return format_html('<a href="{}">{}</a>', product.url, product.name)

    @admin.display(description=_("state"))
    def state(self, row: Embedding) -> SafeString:
        """Coloured and worded, with the reason of a failure."""
        if not row.error:
            return state_of(row)
        return format_html('{} <span class="vs-reason">{}</span>', state_of(row), row.error)

    @admin.display(description=_("next attempt"), ordering="retry_at")
    def next_attempt(self, row: Embedding) -> str:
        """When it is tried again by itself."""
        return moment(row.retry_at)

    @admin.display(description=_("updated"), ordering="updated")
    def changed(self, row: Embedding) -> str:
        """When its state changed last."""
        return moment(row.updated)

    @admin.display(description=_("file"), ordering="image")
    def file(self, row: Embedding) -> SafeString:
        """Its name, which may be long."""
        return format_html('<span class="vs-file">{}</span>', row.image)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Who may start a run may retry an image."""
        return request.user.has_perm(ADD)

    @admin.action(description=_("Index the selected images again"), permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Embedding]) -> None:
        """Start a run of the products that the selected images belong to."""
        keys = sorted(set(queryset.values_list("item", flat=True)))
        start(self, request, Run.Scope.CHOSEN, keys)


def state_of(row: Embedding | None) -> SafeString:
    """What became of a picture, coloured and worded."""
    if row is None:
        return badge("quiet", _("not indexed yet"))
    if row.removed:
        return badge("quiet", _("not on sale"))
    if row.error:
        return badge("bad", _("failed"))
    return badge("good", _("indexed"))


def thumbnail(name: str) -> SafeString:
    """A small square picture, to be named beside it."""
    url = catalog().image_url(name)
    return format_html(
        '<span class="vs-thumb"><img src="{}" alt="" loading="lazy"></span>',
        url,
    )
