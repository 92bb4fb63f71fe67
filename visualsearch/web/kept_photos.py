"""Store photos with their senders' consent, for as long as the setting ``KEEP_PHOTOS`` says."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from .. import conf
from ..models import KeptPhoto
from ..photos.decode import Photo, open_photo
from ..photos.small_jpeg import jpeg

# Pixels of the shorter side of a kept photo, unless it was smaller.
SIDE = 360


def keep_photo(query_id: str | None, photo: Photo, data: bytes, *, allowed: bool) -> None:
    """Store a photo for ``KEEP_PHOTOS`` seconds: upright, small, and without its metadata.

    ``photo``: what was searched with; if it is only a crop, or smaller than :data:`SIDE`, the whole
    photo is decoded again from ``data``. Does nothing if ``allowed`` (the sender's consent) is
    False, the setting is 0, or there is no query.
    """
    seconds = conf.get("KEEP_PHOTOS")
    if not (allowed and seconds and query_id):
        return
    enough = photo.crop is None and min(photo.image.size) >= SIDE
    whole = photo if enough else open_photo(data, limits=conf.limits(SIDE))
    values = {
        "jpeg": jpeg(whole.image),
        "expires": timezone.now() + timedelta(seconds=seconds),
    }
    KeptPhoto.objects.update_or_create(pk=query_id, defaults=values)


def photo_response(pk: UUID) -> HttpResponse:
    """Return the photo stored with a query as JPEG, which no cache may store.

    Raises Http404 if no photo is stored.
    """
    kept = get_object_or_404(KeptPhoto, pk=pk, expires__gt=timezone.now())
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(bytes(kept.jpeg), content_type="image/jpeg", headers=headers)
