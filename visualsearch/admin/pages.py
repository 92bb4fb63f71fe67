"""Admin pages that belong to no row: overview, trial search by photo, and similar products."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from .. import conf
from ..analytics.overview import Overview, overview
from ..catalogs import catalog_names
from ..exceptions import VisualSearchError
from ..middleware import CHOSEN
from ..models import IndexVersion
from ..reindex.drift import find_drift
from ..search.requests import SimilarRequest
from ..search_queue import dispatch
from ..search_queue.admission import running_search
from ..web.refusals import staff_message
from ..web.search_page import preview
from ..web.uploads import PhotoUploadHandler, photo_bytes, receive_with
from . import product_links, try_photo
from .base import ReadOnlyAdmin
from .experiment_report import notice
from .number_formats import duration, milliseconds, number, percent, size
from .run_progress import colour, outcome
from .runs import seconds
from .version_figures import fit, known, measured, share, shares

SIMILAR = 24


class PagesAdmin(ReadOnlyAdmin):
    """A base class that adds three pages to a model admin, and the choice of the catalog.

    They are the overview, a form to try a search with a photo, and products similar to an item.

    Use it for index versions: the pages require permission to view them.
    """

    def page_urls(self) -> list[URLPattern]:
        """Return the URLs of the overview, the trial search and similar products."""
        wrap = self.admin_site.admin_view
        return [
            path("overview/", wrap(self.overview), name="visualsearch_overview"),
            path("photo/", wrap(csrf_exempt(self.receive)), name="visualsearch_photo"),
            path("similar/", wrap(self.similar), name="visualsearch_similar"),
            path("catalog/", wrap(self.choose_catalog), name="visualsearch_catalog"),
        ]

    def choose_catalog(self, request: HttpRequest) -> HttpResponse:
        """Show the catalog of the form's field ``catalog`` in this session, from now on."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_module_permission(request):
            raise PermissionDenied
        name = request.POST.get("catalog", "")
        if name not in catalog_names():
            raise Http404
        request.session[CHOSEN] = name
        # The page that the form was on may show a row that the other catalog lacks.
        return redirect(self.url("app_list", self.opts.app_label))

    def overview(self, request: HttpRequest) -> HttpResponse:
        """Show the state of the search; on POST, also compare the catalog with the index."""
        self.may_look(request)
        drift = None
        if request.method == "POST":
            try:
                drift = find_drift()
            except VisualSearchError as error:
                self.message_user(request, staff_message(error), messages.ERROR)
        context = {**dashboard(overview()), "notice": notice()}
        return self.page(request, "overview.html", title=_("Overview"), drift=drift, **context)

    def similar(self, request: HttpRequest) -> HttpResponse:
        """Show the products that look like the item in ``?item=``."""
        self.may_look(request)
        key = request.GET.get("item", "")
        context: dict[str, Any] = {"product": product_links.products(self.admin_site, [key])[key]}
        try:
            result = dispatch.similar(SimilarRequest(item=key, limit=SIMILAR))
            context |= {"hits": try_photo.hits(self.admin_site, result), "result": result}
        except VisualSearchError as error:
            context["error"] = staff_message(error)
        return self.page(request, "similar.html", title=_("Similar products"), **context)

    def receive(self, request: HttpRequest) -> HttpResponse:
        """Check the CSRF token of an upload and handle it; the upload stays in memory."""
        # Set before anything reads the body, as the CSRF check does.
        receive_with(PhotoUploadHandler, request)
        try:
            return csrf_protect(self.photo)(request)
        except VisualSearchError as error:
            return self.show_trial(request, try_photo.TrialForm(), error=error)

    def photo(self, request: HttpRequest) -> HttpResponse:
        """Show the form; on POST, search one or two versions with the photo, storing nothing."""
        self.may_look(request)
        if request.method != "POST":
            return self.show_trial(request, try_photo.TrialForm())
        form = try_photo.TrialForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.show_trial(request, form)
        try:
            data = photo_bytes(form.cleaned_data["image"])
            with running_search():
                photo = dispatch.decode_photo(data)
                shown = preview(photo.photo)
                columns = [
                    try_photo.search(self.admin_site, version, photo, form.cleaned_data)
                    for version in form.chosen()
                ]
        except VisualSearchError as error:
            return self.show_trial(request, form, error=error)
        return self.show_trial(request, form, columns=columns, preview=shown)

    def show_trial(
        self,
        request: HttpRequest,
        form: try_photo.TrialForm,
        error: VisualSearchError | None = None,
        **context: Any,
    ) -> HttpResponse:
        """Render the form, and below it the results in ``context`` or the message of ``error``."""
        context |= {
            "form": form,
            "error": staff_message(error) if error else "",
            "accepted": conf.limits().accepted,
        }
        page = self.page(request, "photo.html", title=_("Try a photo"), **context)
        page.status_code = error.status if error else 200
        return page


def dashboard(now: Overview) -> dict[str, Any]:
    """Return the template context of the overview: ``now``, and its figures as text and bars."""
    version = now.version
    return {
        "now": now,
        "indexed_share": percent(now.indexed_products, now.products),
        "recalls": recalls(version) if version else [],
        "quality": facts(version) if version else [],
        "fit": fit(version) if version else "",
        "shares": shares(version) if version else None,
        "memory": size(known("memory_bytes")(version)) if version else "",
        "file_size": size(known("file_bytes")(version)) if version else "",
        "runs": [(run, colour(run), outcome(run), duration(seconds(run))) for run in now.runs],
        "matched": now.searches.matched is not None and f"{percent(now.searches.matched)}\xa0%",
        "p50": milliseconds(now.searches.p50),
        "p95": milliseconds(now.searches.p95),
        "hours": hours(now.searches.by_hour),
    }


def recalls(version: IndexVersion) -> list[try_photo.Bar]:
    """Return the recall@k of a version's evaluation as bars; [] without an evaluation."""
    found = [(k, measured("sku", f"recall@{k}")(version)) for k in (1, 5, 10)]
    return [
        try_photo.Bar(label=f"recall@{k}", text=share(value), percent=percent(value))
        for k, value in found
        if value is not None
    ]


def facts(version: IndexVersion) -> list[tuple[str, str]]:
    """Return MRR, number of photos and latencies of a version's evaluation as (label, text)."""
    return [
        ("MRR", share(measured("sku", "mrr")(version))),
        (_("labelled photos"), number(measured("queries")(version))),
        (_("latency p50"), milliseconds(measured("latency_ms", "p50")(version))),
        (_("latency p95"), milliseconds(measured("latency_ms", "p95")(version))),
    ]


def hours(counts: list[int]) -> list[dict[str, int]]:
    """Return the columns of a bar chart, 24 wide and 100 high, as dicts.

    ``counts``: one per hour. Keys: ``x``, ``y`` (top), ``height`` and ``count``.
    """
    most = max(counts)
    heights = [percent(count, most) for count in counts]
    return [
        {"x": place, "y": 100 - height, "height": height, "count": counts[place]}
        for place, height in enumerate(heights)
    ]
