"""The search page; it works without JavaScript, and with it a web component replaces the form."""

from __future__ import annotations

import base64
import io
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from .. import conf
from ..catalogs import cards_for, catalog
from ..exceptions import InvalidCrop, ServiceUnavailable, VisualSearchError
from ..photos.crops import Crop, check_crop
from ..photos.decode import Photo
from ..search import categories
from ..search.requests import PageRequest, SearchRequest, values_of
from ..search.results import SearchResult
from ..search_queue import dispatch
from ..search_queue.admission import running_search
from . import memory_budget, throttles
from .clients import caller_of
from .page_links import (
    OBJECT,
    OFFSET,
    ORDERING,
    PAGE_SIZE,
    PHOTO,
    WORDS,
    Narrowing,
    chips,
    page_url,
    paging,
    things,
)
from .refusals import customer_message, record_refusal
from .transactions import without_transaction
from .uploads import PhotoUploadHandler, photo_bytes, receive_with

PREVIEW_SIDE = 480

SINGLE = (PHOTO, OFFSET, ORDERING, WORDS, OBJECT, "crop", categories.CATEGORY)
NO_FILTERS = (
    PHOTO,
    OFFSET,
    ORDERING,
    WORDS,
    OBJECT,
    "words",
    "collapse",
    "per_object",
    "crop",
    "limit",
    "facets",
    "visitor",
    "keep_photo",
)
# Most characters of the words beside a photo; more are cut off.
MOST_CHARACTERS = 200


# The upload handlers must be set before the CSRF check reads the body.
@method_decorator(csrf_exempt, name="dispatch")
class SearchPage(View):
    """The search page: an empty form, an upload, or the results of a stored query (``?photo=``)."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view function, which ATOMIC_REQUESTS does not wrap in a transaction."""
        return without_transaction(super().as_view(**initkwargs))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Handle the request, and make the cards for it."""
        with cards_for(request):
            return self.answer(request, *args, **kwargs)

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Handle the request; render any error of the search as a message on the page."""
        try:
            with memory_budget.request_budget():
                response = super().dispatch(request, *args, **kwargs)
        except VisualSearchError as error:
            response = self.refuse(request, error)
        except ValidationError as error:
            refusal = {"code": "invalid", "detail": " ".join(error.messages)}
            response = self.show(request, status=400, error=refusal)
        throttles.add_headers(request, response)
        return response

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the results of the query ``?photo=`` under the URL's filters, or the empty form."""
        if not request.GET.get(PHOTO):
            return self.show(request, instead=suggestions())
        throttles.count_request(request, throttles.READ)
        return self.later_page(request, values_of(request.GET, single=SINGLE))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Search by an uploaded photo, which is not stored, and show the first results."""
        throttles.count_request(request, throttles.SEARCH)
        receive_with(PhotoUploadHandler, request)
        return self.search(request)

    @method_decorator(csrf_protect)
    def search(self, request: HttpRequest) -> HttpResponse:
        """Search by the uploaded photo, after the CSRF check that decorates this method."""
        data = photo_bytes(request.FILES.get("image"))
        filters = {categories.CATEGORY: categories.AUTO}
        words = request.POST.get(WORDS, "").strip()[:MOST_CHARACTERS]
        wanted = SearchRequest(
            limit=PAGE_SIZE,
            filters=filters,
            words=words,
            with_facets=True,
            caller=caller_of(request, None),
        )
        with running_search():
            photo = dispatch.decode_photo(data)
            result = dispatch.search(photo, wanted)
            shown = preview(photo.photo)
        params = {PHOTO: str(result.query_id), WORDS: words, **filters}
        return self.show_result(request, result, params, 0, preview=shown)

    def later_page(self, request: HttpRequest, params: dict[str, str]) -> HttpResponse:
        """Show a page of a stored query's results.

        ``params``: query parameters of the page: the query's id (``photo``), filters, offset,
        ordering, crop.
        """
        offset = offset_in(params)
        filters = {name: text for name, text in params.items() if name not in NO_FILTERS and text}
        if filters.get(categories.CATEGORY) != categories.AUTO:
            catalog().filterset(filters)
        result = dispatch.page(
            PageRequest(
                query_id=params[PHOTO],
                limit=PAGE_SIZE,
                offset=offset,
                filters=filters,
                ordering=params.get(ORDERING, ""),
                words=params.get(WORDS, "")[:MOST_CHARACTERS],
                object=object_in(params),
                with_facets=True,
                crop=crop_in(params),
            )
        )
        return self.show_result(request, result, params, offset)

    def show_result(
        self,
        request: HttpRequest,
        result: SearchResult,
        params: dict[str, str],
        offset: int,
        **context: Any,
    ) -> HttpResponse:
        """Render a page of results; ``context`` is added to the template's."""
        # Replace “auto” by the category that was applied, in all links of the page.
        params = {**params, categories.CATEGORY: result.category or ""}
        return self.show(
            request,
            result=result,
            chips=chips(result, params),
            things=things(result, params),
            narrowing=Narrowing(result, params),
            **paging(result, params, offset),
            **context,
        )

    def show(self, request: HttpRequest, status: int = 200, **context: Any) -> HttpResponse:
        """Render the page; ``context`` is added to the template's defaults."""
        defaults = {
            "accepted": conf.limits().accepted,
            "max_megabytes": conf.get("MAX_PHOTO_BYTES") // 1_000_000,
            "error": None,
            "result": None,
            "preview": None,
            "instead": [],
            "takes_words": catalog().takes_words,
        }
        return render(request, "visualsearch/search.html", defaults | context, status=status)

    def refuse(self, request: HttpRequest, error: VisualSearchError) -> HttpResponse:
        """Render the page with the message and the status of an error; report the error."""
        record_refusal(error)
        refusal = {"code": error.code, "detail": customer_message(error)}
        instead = suggestions() if isinstance(error, ServiceUnavailable) else []
        response = self.show(request, status=error.status, error=refusal, instead=instead)
        if seconds := getattr(error, "retry_after", None):
            response["Retry-After"] = str(seconds)
        return response


def earlier_address(request: HttpRequest, query_id: UUID) -> HttpResponse:
    """Redirect from the former URL of a query's results to the present one."""
    params = {PHOTO: str(query_id), **values_of(request.GET, single=SINGLE)}
    return redirect(page_url(params), permanent=True)


def offset_in(params: dict[str, str]) -> int:
    """Return the offset in the query parameters, limited to 0…10,000.

    Raises Http404 if it is not a number.
    """
    try:
        return min(max(0, int(params.get(OFFSET, 0))), 10_000)
    except ValueError as error:
        raise Http404 from error


def object_in(params: dict[str, str]) -> int | None:
    """Return the id of the object in the query parameters, None without one.

    Raises Http404 if it is not a number.
    """
    try:
        return int(params[OBJECT]) if params.get(OBJECT) else None
    except ValueError as error:
        raise Http404 from error


def crop_in(params: dict[str, str]) -> Crop | None:
    """Return the crop in the query parameters, None without one.

    Raises InvalidCrop if it is malformed or outside the photo.
    """
    text = params.get("crop")
    if not text:
        return None
    try:
        x, y, w, h = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidCrop from error
    check_crop((x, y, w, h))
    return x, y, w, h


def suggestions() -> list[dict[str, Any]]:
    """Return the cards of suggested products; [] if the database is down."""
    source = catalog()
    try:
        cards = [source.safe_card(item) for item in source.suggested()[:PAGE_SIZE]]
    except DatabaseError:
        return []
    return [card for card in cards if card is not None]


def preview(photo: Photo) -> str:
    """Return a photo, small, as a data URL to embed in the page."""
    image = photo.image.copy()
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    small = io.BytesIO()
    image.save(small, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(small.getvalue()).decode("ascii")
