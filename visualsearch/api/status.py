"""The status endpoint: whether searches with photos are possible now, and upload limits."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError
from rest_framework.request import Request
from rest_framework.response import Response

from .. import conf
from ..exceptions import BackendUnavailable, IndexNotReady, VisualSearchError
from ..models import IndexVersion
from ..search_queue import admission
from ..serving import item_counts, processor_check
from ..versions import lifecycle
from ..web.refusals import customer_message
from . import examples, schema
from .base import VisualSearchView
from .request_serializers import BATCH
from .response_serializers import StatusSerializer


class StatusView(VisualSearchView):
    @schema.described(
        answers={200: (StatusSerializer, examples.STATUS)}, refusals=[BackendUnavailable]
    )
    def get(self, request: Request) -> Response:
        """Return whether searches with photos are possible now, and the limits on uploads."""
        trouble, version, differing = None, None, []
        try:
            version = lifecycle.active_version()
            differing = processor_check.differing_processors(version.encoder) if version else []
            admission.check()
            if version is None:
                raise IndexNotReady
        except VisualSearchError as error:
            trouble = error
        except DatabaseError:
            trouble = BackendUnavailable()
        return Response(
            {
                "ready": trouble is None,
                "code": trouble.code if trouble else "",
                "detail": customer_message(trouble) if trouble else "",
                "model": version.encoder if version else None,
                "index_version": version.pk if version else None,
                "products": found_of(version) if version else None,
                "processors_agree": not differing,
                **limits(),
            }
        )


def limits() -> dict[str, Any]:
    """Return the accepted formats and the limits on uploads, by field of the status response."""
    return {
        "accepted": conf.limits().accepted.split(", "),
        "max_photo_bytes": conf.get("MAX_PHOTO_BYTES"),
        "max_photo_megapixels": conf.get("MAX_PHOTO_MEGAPIXELS"),
        "min_photo_side": conf.get("MIN_PHOTO_SIDE"),
        "max_batch_photos": BATCH,
        "max_batch_bytes": conf.get("MAX_BATCH_BYTES"),
    }


def found_of(version: IndexVersion) -> int:
    """Return the number of products that can be found now.

    The count stored in ``version`` may be out of date. In a large catalog, so may this one, for
    some seconds.
    """
    return item_counts.searchable_items(version.encoder, version.items)
