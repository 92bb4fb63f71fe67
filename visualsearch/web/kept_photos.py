"""Store photos with their senders' consent, for as long as the setting ``KEEP_PHOTOS`` says."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from .. import conf
from ..models import KeptPhoto
from ..photos.decode import open_photo
from ..photos.small_jpeg import jpeg


def keep(query_id: str | None, data: bytes, *, allowed: bool) -> None:
    """Store a photo for ``KEEP_PHOTOS`` seconds: upright, small, and without its metadata.

    Does nothing if ``allowed`` (the sender's consent) is False, the setting is 0, or there is no
    query.
    """
    seconds = conf.get("KEEP_PHOTOS")
    if not (allowed and seconds and query_id):
        return
    picture = jpeg(open_photo(data, limits=conf.limits()).image)
    expires = timezone.now() + timedelta(seconds=seconds)
    KeptPhoto.objects.update_or_create(pk=query_id, defaults={"jpeg": picture, "expires": expires})
