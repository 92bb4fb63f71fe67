"""Thumbnails of product images, made by the thumbnailer in ``OSCAR_THUMBNAILER``.

Making a thumbnail can take longer than a search, and both thumbnailers of oscar query the database
for each picture. So a search only reads addresses from the cache. A thumbnail that is not there is
made when a browser requests it.
"""

from __future__ import annotations

import logging
from hashlib import sha256

from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.core.signing import BadSignature, Signer
from django.db import DatabaseError
from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from oscar.core.loading import get_model
from oscar.core.thumbnails import get_thumbnailer

Product = get_model("catalogue", "Product")
ProductImage = get_model("catalogue", "ProductImage")
logger = logging.getLogger(__name__)

# Seconds. Signed addresses of a storage must be valid for longer.
CACHED_FOR = 600
SIZE = "400x400"

# The view makes no thumbnail of a name that this app has not signed.
signer = Signer(salt="visualsearch.thumbnail")


def thumbnail_url(name: str) -> str:
    """Return the URL of a picture's thumbnail, or of the view that makes it.

    ``name``: of a product image or of oscar's missing image, in its storage.
    """
    url: str | None = cache.get(cache_key(name))
    return url or reverse("visualsearch-oscar:thumbnail", args=[signer.sign(name)])


def cache_key(name: str) -> str:
    """Return the cache key of a thumbnail's URL."""
    maker = settings.OSCAR_THUMBNAILER  # type: ignore[misc]
    text = f"{maker} {SIZE} {name}"
    return f"visualsearch.thumbnail.{sha256(text.encode()).hexdigest()}"


@require_safe
@cache_control(max_age=CACHED_FOR)
def thumbnail(request: HttpRequest, signed: str) -> HttpResponse:
    """Make a thumbnail and redirect to it; raise Http404 for a name with a wrong signature."""
    try:
        name = signer.unsign(signed)
    except BadSignature as error:
        raise Http404 from error
    if name == settings.OSCAR_MISSING_IMAGE_URL:  # type: ignore[misc]
        url = made(Product().get_missing_image().name)
    else:
        url = made(picture_of(name))
    cache.set(cache_key(name), url, CACHED_FOR)
    return redirect(url)


def picture_of(name: str) -> FieldFile:
    """Return the file of a product image by its name in the storage."""
    field = ProductImage._meta.get_field("original")
    picture: FieldFile = field.attr_class(ProductImage(), field, name)
    return picture


def made(picture: FieldFile | str) -> str:
    """Return the URL of a new thumbnail, that of the picture itself if it cannot be made.

    ``picture``: a product image's file, or a name in the default storage.
    """
    try:
        made = get_thumbnailer().generate_thumbnail(picture, size=SIZE, upscale=False)
        return str(made.url)
    except DatabaseError:
        raise
    except Exception as error:  # each thumbnailer has errors of its own
        logger.warning("No thumbnail can be made of “%s”: %s", picture, error)
    return default_storage.url(picture) if isinstance(picture, str) else picture.url
