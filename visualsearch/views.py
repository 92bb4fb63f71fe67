"""The search page: works without JavaScript."""

from __future__ import annotations

import base64
import io
from typing import Any
from uuid import UUID

from django import forms
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from . import conf, dispatch
from .api.errors import describe
from .api.parsers import PhotoUploadHandler, photo_bytes
from .catalogs import catalog
from .exceptions import ServiceUnavailable, VisualSearchError
from .photos import ACCEPTED, open_photo
from .results import SearchResult
from .signals import refused

PAGE_SIZE = 12
PREVIEW_SIDE = 480


class PhotoForm(forms.Form):
    """The one field of the page; what is in it is judged by its bytes, not here."""

    image = forms.FileField(label=_("Your photo"))


class Page(View):
    """What both pages have in common: the form and what it accepts."""

    def show(self, request: HttpRequest, status: int = 200, **context: Any) -> HttpResponse:
        """Render the page."""
        defaults = {
            "form": PhotoForm(),
            "accepted": ACCEPTED,
            "max_megabytes": conf.get("MAX_PHOTO_BYTES") // 1_000_000,
            "error": None,
            "result": None,
            "preview": None,
            "instead": [],
        }
        return render(request, "visualsearch/search.html", defaults | context, status=status)

    def refuse(self, request: HttpRequest, error: VisualSearchError) -> HttpResponse:
        """The page with a sentence that says what to do."""
        refused.send_robust(sender=None, code=error.code)
        told = {"code": error.code, "detail": describe(error)}
        instead = suggestions() if isinstance(error, ServiceUnavailable) else []
        return self.show(request, status=error.status, error=told, instead=instead)


# The upload handlers must be set before the CSRF check reads the body.
@method_decorator(csrf_exempt, name="dispatch")
class SearchPage(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        """The empty form."""
        return self.show(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Search, and show the photo beside what was found; the photo is in this page only."""
        request.upload_handlers = [PhotoUploadHandler(request)]
        try:
            return self.search(request)
        except VisualSearchError as error:
            return self.refuse(request, error)

    @method_decorator(csrf_protect)
    def search(self, request: HttpRequest) -> HttpResponse:
        """The part behind the CSRF check."""
        data = photo_bytes(request.FILES.get("image"))
        result = dispatch.search(data, limit=PAGE_SIZE)
        return self.show(request, result=result, preview=preview(data), **paging(result, 0))


class ResultPage(Page):
    def get(self, request: HttpRequest, query_id: UUID) -> HttpResponse:
        """An earlier search again, by its id, from ``?offset=`` on."""
        try:
            offset = max(0, int(request.GET.get("offset", 0)))
        except ValueError as error:
            raise Http404 from error
        try:
            result = dispatch.page(str(query_id), limit=PAGE_SIZE, offset=min(offset, 10_000))
            return self.show(request, result=result, **paging(result, offset))
        except VisualSearchError as error:
            return self.refuse(request, error)


def suggestions() -> list[dict[str, Any]]:
    """Cards of products to look at while there is no search by photo; none if that is down too."""
    source = catalog()
    try:
        return [source.card(item) for item in source.suggested()[:PAGE_SIZE]]
    except DatabaseError:
        return []


def paging(result: SearchResult, offset: int) -> dict[str, Any]:
    """Links to the pages before and after, by the query's id."""
    path = reverse("visualsearch:result_page", args=[result.query_id])
    after = offset + PAGE_SIZE
    before = max(0, offset - PAGE_SIZE)
    return {
        "next_url": f"{path}?offset={after}" if after < result.count else None,
        "previous_url": f"{path}?offset={before}" if offset else None,
    }


def preview(data: bytes) -> str:
    """The photo, upright and small, as a data URL: it goes back to its sender and nowhere else."""
    image = open_photo(data, limits=conf.limits()).image
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    small = io.BytesIO()
    image.save(small, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(small.getvalue()).decode("ascii")
