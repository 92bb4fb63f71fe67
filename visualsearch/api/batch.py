"""The batch endpoint: a search with each of several photos, as if they were sent one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from .. import conf
from ..exceptions import BatchTooLarge, ImageMissing, PhotoError, TooManyPhotos
from ..search.requests import SearchRequest
from ..search_queue import dispatch
from ..search_queue.admission import running_search
from ..web import kept_photos, throttles
from ..web.uploads import BatchUploadHandler, batch_too_large, photo_bytes
from . import examples, schema
from .base import (
    PhotoView,
    fields_of,
    kept_params,
    listing_of,
    search_filters,
    validated,
)
from .error_handler import as_items
from .json_parsers import BatchJSONParser
from .request_serializers import (
    BATCH,
    BatchFileSerializer,
    BatchTextSerializer,
    SearchOptionsSerializer,
)
from .response_serializers import BatchSerializer
from .responses import as_response


class BatchView(PhotoView):
    parser_classes = [MultiPartParser, BatchJSONParser]
    upload_handler = BatchUploadHandler

    @schema.described(
        request={
            "multipart/form-data": BatchFileSerializer,
            "application/json": BatchTextSerializer,
        },
        with_filters=True,
        answers={200: (BatchSerializer, examples.BATCH)},
        refusals=[
            *schema.BODY,
            schema.Invalid,
            ImageMissing,
            TooManyPhotos,
            BatchTooLarge,
            *schema.SERVICE,
        ],
    )
    def post(self, request: Request) -> Response:
        """Find the products that look most like each of up to 16 photos."""
        photos = photos_of(request)
        fields = fields_of(request)
        options = validated(SearchOptionsSerializer, fields)
        filters = search_filters(request, options)
        allowance = throttles.allowance_of(request._request)
        if allowance is not None and len(photos) > allowance.limit:
            raise TooManyPhotos(limit=allowance.limit)  # waiting would not help
        # The request itself has already been counted, as the first photo.
        throttles.count_request(
            request._request, self.scope, times=len(photos) - 1, storefront=self.storefront
        )
        params = filters | kept_params(fields)
        wanted = SearchRequest(
            **listing_of(options),
            filters=filters,
            caller=self.caller(options.get("visitor", "")),
        )
        with running_search():
            decoded = [self.decoded(each, options) for each in photos]
            usable = [each for each in decoded if isinstance(each, Usable)]
            found = iter(dispatch.search_many([each.decoded for each in usable], wanted))
            results = []
            for each in decoded:
                if not isinstance(each, Usable):
                    results.append(each)
                    continue
                result, consent = next(found), options["keep_photo"]
                kept_photos.keep_photo(
                    result.query_id, each.decoded.photo, each.data, allowed=consent
                )
                body = as_response(request, result, wanted, params)
                results.append({"status": 200, "result": body, "errors": []})
        return Response({"results": results})

    def decoded(self, photo: Any, options: dict[str, Any]) -> Usable | dict[str, Any]:
        """Decode one photo of the batch; return its error entry for ``results`` if that fails.

        ``photo``: an uploaded file, or base64 text. ``options``: the validated options of the
        request, of which only ``crop`` matters here.
        """
        try:
            data = photo_bytes(photo)
            return Usable(data=data, decoded=dispatch.decode_photo(data, options.get("crop")))
        except PhotoError as error:
            return {
                "status": error.status,
                "result": None,
                "errors": as_items(error, storefront=self.storefront_id),
            }


@dataclass(frozen=True, kw_only=True)
class Usable:
    """A photo of a batch that can be searched with: its file and what was decoded from it."""

    data: bytes
    decoded: dispatch.DecodedPhoto


def photos_of(request: Request) -> list[Any]:
    """Return the photos of a batch: uploaded files, or base64 texts.

    Raises ImageMissing if there are no photos, TooManyPhotos above :data:`BATCH` photos, and
    BatchTooLarge if uploaded files exceed ``MAX_BATCH_BYTES`` together.
    """
    body: Any = request.data
    photos = body.getlist("image") if hasattr(body, "getlist") else body.get("images")
    if not isinstance(photos, list) or not photos:
        raise ImageMissing
    if len(photos) > BATCH:
        raise TooManyPhotos(limit=BATCH)
    together = sum(each.size or 0 for each in photos if isinstance(each, UploadedFile))
    if together > conf.get("MAX_BATCH_BYTES"):
        raise batch_too_large()
    return photos
