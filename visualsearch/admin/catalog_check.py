"""The admin page of a catalog's check: what to look at, with pictures, CSV, and decisions."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from .. import conf
from ..analytics import tasks
from ..analytics.local_time import today
from ..catalogs import catalog
from ..class_names import class_name
from ..exceptions import BackendUnavailable
from ..models import CatalogCheck, Embedding, Finding, RepeatedPicture
from ..reindex import placeholders
from ..versions import lifecycle
from ..web.refusals import staff_message
from . import exports, product_links
from .base import ReadOnlyAdmin
from .colour_words import colour_name
from .images import thumbnail
from .number_formats import moment, number, percentage

logger = logging.getLogger(__name__)
Kind = Finding.Kind
CHANGE = "visualsearch.change_finding"
# Findings of a kind that the page shows.
SHOWN = 8
COLUMNS = ["kind", "product", "name", "image", "other_product", "in_the_catalog", "in_the_picture"]
TITLES = {
    Kind.DUPLICATE: gettext_lazy("Nearly the same picture"),
    Kind.CLASS: gettext_lazy("Class and category disagree"),
    Kind.COLOUR: gettext_lazy("Colours disagree"),
    Kind.BLANK: gettext_lazy("Blank pictures"),
    Kind.TINY: gettext_lazy("Very small pictures"),
    Kind.NO_PICTURE: gettext_lazy("Products without a picture"),
    Kind.NEVER_SHOWN: gettext_lazy("Never shown by a search"),
    Kind.TAGS: gettext_lazy("Suggested tags"),
}


@dataclass(frozen=True, kw_only=True)
class Section:
    """The findings of a kind: their number, and the first ones (:class:`Shown`)."""

    kind: str
    title: Any
    count: int
    first: list[Shown]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A finding with its product, its picture (URL or None), and what is wrong as text."""

    product: product_links.Product
    image: str | None
    text: str


class FindingList(ChangeList):
    """A changelist that looks up the products of all rows of a page with one query."""

    def get_results(self, request: HttpRequest) -> None:
        """Set ``product`` on each row of the page."""
        super().get_results(request)
        rows = list(self.result_list)
        site = self.model_admin.admin_site
        keys = [key for row in rows for key in (row.item, row.other) if key]
        named = product_links.products(site, keys)
        for row in rows:
            row.product, row.compared = named[row.item], named.get(row.other)
        self.result_list = rows


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    """Admin of the findings of the last check of the catalog."""

    list_display = ["picture", "name", "what", "sure"]
    list_display_links = None
    list_filter = ["kind"]
    list_per_page = 50
    ordering = ["kind", "-confidence", "pk"]
    search_fields = ["item"]
    actions = ["accept"]

    def get_urls(self) -> list[URLPattern]:
        """Return the default URLs, the page with all kinds, its buttons and its export."""
        wrap, base = self.admin_site.admin_view, "visualsearch_catalog_check"
        return [
            path("check/", wrap(require_GET(self.overview)), name=base),
            path("check/start/", wrap(require_POST(self.start)), name=f"{base}_start"),
            path("check/<int:pk>/decide/", wrap(require_POST(self.decide)), name=f"{base}_decide"),
            path("check.csv", wrap(require_GET(self.export)), name=f"{base}_export"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Finding]:
        """Return the findings, without tags that were accepted."""
        rows: QuerySet[Finding] = super().get_queryset(request).filter(accepted=False)
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the changelist that looks up products."""
        return FindingList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, titled by the chosen kind."""
        kind = request.GET.get("kind__exact", "")
        title = TITLES[Kind(kind)] if kind in Kind.values else _("Catalog check")
        return super().changelist_view(request, {**(extra_context or {}), "title": title})

    # --- the page ---

    def overview(self, request: HttpRequest) -> HttpResponse:
        """Show what the last check found, repeated pictures and failed ones."""
        self.may_look(request)
        last = CatalogCheck.objects.first()
        return self.page(
            request,
            "catalog_check.html",
            title=_("Catalog check"),
            last=last,
            running=last is not None and is_running(last),
            when=moment(last.finished) if last else "",
            sections=self.sections(),
            repeated=[repeated(row) for row in RepeatedPicture.objects.all()],
            failed=failed_count(),
            may_change=request.user.has_perm(CHANGE),
            takes_tags=catalog().takes_tags,
        )

    def sections(self) -> list[Section]:
        """Return the kinds that have findings, with the first ones of each."""
        found = []
        for kind, title in TITLES.items():
            rows = Finding.objects.filter(kind=kind, accepted=False).order_by("-confidence", "pk")
            count, first = rows.count(), list(rows[:SHOWN])
            if count:
                keys = [key for row in first for key in (row.item, row.other) if key]
                named = product_links.products(self.admin_site, keys)
                shown = [
                    Shown(
                        product=named[row.item],
                        image=catalog().image_url(row.image) if row.image else None,
                        text=text_of(row, named.get(row.other)),
                    )
                    for row in first
                ]
                found.append(Section(kind=kind, title=title, count=count, first=shown))
        return found

    def start(self, request: HttpRequest) -> HttpResponse:
        """Check the catalog, with Celery in a worker."""
        self.may_decide(request)
        try:
            tasks.check_later()
        except BackendUnavailable as error:
            self.message_user(request, staff_message(error), messages.ERROR)
        return self.to_page()

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let searches find a repeated picture, or leave it out, by the posted ``wanted``."""
        self.may_decide(request)
        picture = RepeatedPicture.objects.filter(pk=pk).first()
        if picture is None:
            raise Http404
        wanted = request.POST.get("wanted") == "1"
        count = placeholders.decide(picture, wanted=wanted)
        text = (
            ngettext(
                "Searches now find %(count)s product by this picture.",
                "Searches now find %(count)s products by this picture.",
                count,
            )
            if wanted
            else ngettext(
                "Searches no longer find %(count)s product by this picture.",
                "Searches no longer find %(count)s products by this picture.",
                count,
            )
        )
        self.message_user(request, text % {"count": number(count)}, messages.SUCCESS)
        return self.to_page()

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """Return the findings, of one ``?kind=`` or all, as CSV."""
        self.may_look(request)
        kind = request.GET.get("kind", "")
        rows = Finding.objects.filter(accepted=False).order_by("pk")
        if kind in Kind.values:
            rows = rows.filter(kind=kind)
        name = f"catalog-check-{kind or 'all'}-{today().isoformat()}"
        return exports.response(request, name, self.lines(rows))

    def lines(self, rows: QuerySet[Finding]) -> Iterator[list[Any]]:
        """Yield the header and a line for each finding."""
        yield [*COLUMNS, "tag", "confidence"]
        last = 0
        while some := list(rows.filter(pk__gt=last)[: exports.CHUNK]):
            last = some[-1].pk
            named = product_links.products(self.admin_site, [row.item for row in some])
            for row in some:
                yield [
                    *(row.kind, row.item, named[row.item].name, row.image, row.other),
                    *(row.expected, row.seen, row.tag, row.confidence),
                ]

    def may_decide(self, request: HttpRequest) -> None:
        """Raise PermissionDenied for users who may not change findings."""
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied

    def to_page(self) -> HttpResponseRedirect:
        """Redirect to the page with all kinds."""
        return HttpResponseRedirect(self.url("visualsearch_catalog_check"))

    # --- the list ---

    def has_accept_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may accept tags, and the shop can take them."""
        return request.user.has_perm(CHANGE) and catalog().takes_tags

    @admin.action(description=gettext_lazy("Accept the suggested tags"), permissions=["accept"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Finding]) -> None:
        """Write the suggested tags of the selected rows to the shop."""
        source = catalog()
        rows = list(queryset.filter(kind=Kind.TAGS))
        items = source.by_key({row.item for row in rows})
        done, wrong = 0, 0
        for row in rows:
            try:
                source.apply_tags(items[row.item], {row.tag: row.seen})
            except Exception:
                logger.exception("apply_tags() failed for item %s.", row.item)
                wrong += 1
                continue
            Finding.objects.filter(pk=row.pk).update(accepted=True)
            done += 1
        text = ngettext("%(count)s tag accepted.", "%(count)s tags accepted.", done)
        self.message_user(request, text % {"count": number(done)}, messages.SUCCESS)
        if wrong:
            text = ngettext(
                "%(count)s tag could not be written; the log says why.",
                "%(count)s tags could not be written; the log says why.",
                wrong,
            )
            self.message_user(request, text % {"count": number(wrong)}, messages.ERROR)

    @admin.display(description=gettext_lazy("image"))
    def picture(self, row: Finding) -> SafeString | str:
        """Return the thumbnail of the picture, if it is about one."""
        return thumbnail(row.image) if row.image else ""

    @admin.display(description=gettext_lazy("product"), ordering="item")
    def name(self, row: Finding) -> SafeString | str:
        """Return the product's name, linked to its page in this admin if there is one."""
        product: product_links.Product = row.product  # type: ignore[attr-defined]
        if not product.url:
            return product.name
        return format_html('<a href="{}">{}</a>', product.url, product.name)

    @admin.display(description=gettext_lazy("finding"), ordering="kind")
    def what(self, row: Finding) -> str:
        """Return what is wrong, as text."""
        return text_of(row, row.compared)  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("confidence"), ordering="confidence")
    def sure(self, row: Finding) -> str:
        """Return the confidence in percent."""
        return percentage(row.confidence, 0)


def text_of(row: Finding, other: product_links.Product | None) -> str:
    """Return what a finding says, as text; ``other``: the product that it is compared with."""
    if row.kind == Kind.DUPLICATE:
        return _("like the picture of %(name)s") % {"name": other.name if other else row.other}
    if row.kind == Kind.CLASS:
        own = ", ".join(class_name(label) for label in row.expected.split(", "))
        values = {"own": own, "seen": class_name(row.seen)}
        return _("catalog: %(own)s; picture: %(seen)s") % values
    if row.kind == Kind.COLOUR:
        values = {"own": row.expected, "seen": colour_name(row.seen)}
        return _("catalog: %(own)s; picture: %(seen)s") % values
    if row.kind == Kind.TAGS:
        name = class_name(row.seen) if row.tag == "class" else colour_name(row.seen)
        what = _("class") if row.tag == "class" else _("colour")
        return f"{what}: {name} ({percentage(row.confidence, 0)})"
    return row.seen or str(row.get_kind_display())


def repeated(row: RepeatedPicture) -> dict[str, Any]:
    """Return a repeated picture for the page: ``row``, ``image`` (URL), ``count`` of products."""
    rows = Embedding.objects.filter(content_hash=row.content_hash, removed=False)
    count = rows.values("item").distinct().count()
    return {"row": row, "image": catalog().image_url(row.image), "count": count}


def failed_count() -> int:
    """Return the number of pictures on sale that could not be read."""
    active = lifecycle.active_version()
    rows = Embedding.objects.filter(removed=False).exclude(error="")
    return rows.filter(encoder=active.encoder).count() if active else rows.count()


def is_running(check: CatalogCheck) -> bool:
    """Return whether a check has not ended, and its process has not died."""
    silent = timezone.now() - timedelta(seconds=conf.get("RUN_TIMEOUT"))
    return check.finished is None and check.heartbeat > silent
