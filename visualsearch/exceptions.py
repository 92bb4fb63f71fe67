"""All errors that a client can see, each with a stable code, an HTTP status, and a remedy."""

from __future__ import annotations

from functools import partial
from typing import Any


def gettext_noop(message: str) -> str:
    """Mark a message for translation; it is translated when it is shown."""
    return message


class VisualSearchError(Exception):
    """Base class of all errors that a client can see.

    ``code`` is part of the API and never changes; ``status``: HTTP status; ``message``: what to do,
    with placeholders that ``params`` fill after translation. ``told``: the message for customers,
    if ``message`` is for the shop's staff. ``attr``: the request field that caused the error, ""
    for none.
    """

    told = ""
    attr = ""
    code = "search_failed"
    status = 500
    message = gettext_noop("The search failed. Try again. If it keeps failing, contact the shop.")

    def __init__(self, **params: object):
        self.params = params
        super().__init__(self.message % params)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle code and params, so that Celery can pass the error on between processes."""
        return partial(type(self), **self.params), ()


class PhotoError(VisualSearchError):
    """The photo cannot be used, so a retry with the same one fails again."""

    status = 422
    attr = "image"


class ImageMissing(PhotoError):
    code = "image_missing"
    status = 400
    message = gettext_noop("Send a photo in the field “image”.")


class ImageEmpty(PhotoError):
    code = "image_empty"
    status = 400
    message = gettext_noop("The file is empty. Choose the photo again and resend it.")


class InvalidBase64(PhotoError):
    code = "invalid_base64"
    status = 400
    message = gettext_noop(
        "“image” is not valid base64. Send plain base64 or a data URL of the file's bytes."
    )


class UrlNotAllowed(PhotoError):
    attr = "image_url"
    code = "url_not_allowed"
    status = 400
    message = gettext_noop(
        "Downloads from this address are not allowed. Send the photo itself in the field “image”."
    )


class UrlUnreachable(PhotoError):
    attr = "image_url"
    code = "url_unreachable"
    message = gettext_noop(
        "The photo could not be downloaded. Check the address, or send the photo itself in the"
        " field “image”."
    )


class BodyTimeout(VisualSearchError):
    code = "body_timeout"
    status = 408
    message = gettext_noop(
        "The upload took too long. Send a smaller photo, or try again over a faster connection."
    )


class UnsupportedImage(PhotoError):
    code = "unsupported_image"
    status = 415
    message = gettext_noop(
        "This file is not an image in a supported format. Send one of: %(accepted)s."
    )


class ImageTooLarge(PhotoError):
    code = "image_too_large"
    status = 413
    message = gettext_noop("The photo is larger than %(limit_mb)s MB. Send a smaller one.")


class ImageCorrupt(PhotoError):
    code = "image_corrupt"
    message = gettext_noop(
        "The photo is damaged or incomplete. Take or save it again and resend it."
    )


class ImageTooManyPixels(PhotoError):
    code = "image_too_many_pixels"
    message = gettext_noop("The photo has more than %(limit)s megapixels. Shrink it and resend it.")


class ImageBadShape(PhotoError):
    code = "image_bad_shape"
    message = gettext_noop(
        "The photo is %(width)s×%(height)s pixels, which is too long and narrow. Crop it and"
        " resend it."
    )


class ImageTooSmall(PhotoError):
    code = "image_too_small"
    message = gettext_noop(
        "The photo is %(width)s×%(height)s pixels. Send one with at least %(limit)s pixels on"
        " each side."
    )


class InvalidCrop(PhotoError):
    attr = "crop"
    code = "invalid_crop"
    status = 400
    message = gettext_noop(
        "“crop” must be x,y,w,h as fractions of the photo, for example 0.1,0.2,0.5,0.5, and"
        " must not be too small."
    )


class CropUnavailable(VisualSearchError):
    attr = "crop"
    code = "crop_unavailable"
    status = 400
    message = gettext_noop("To search this part of the photo, send the photo again with “crop”.")


class Throttled(VisualSearchError):
    """The client exceeded its rate limit; ``seconds``: time until its next request is accepted."""

    code = "throttled"
    status = 429
    message = gettext_noop("Too many searches in a short time. Try again in %(seconds)s seconds.")

    @property
    def retry_after(self) -> int:
        """Seconds until the client's next request is accepted."""
        return int(str(self.params["seconds"]))


class ItemNotFound(VisualSearchError):
    code = "item_not_found"
    status = 404
    attr = "key"
    message = gettext_noop("This product is not on sale. Choose another one.")


class ItemNotShown(VisualSearchError):
    code = "item_not_shown"
    status = 400
    attr = "product"
    message = gettext_noop(
        "The search did not return this product. Send the key of a product from its results."
    )


class TooManyPhotos(VisualSearchError):
    code = "too_many_photos"
    status = 400
    attr = "images"
    message = gettext_noop("Send at most %(limit)s photos at a time.")


class BatchTooLarge(VisualSearchError):
    code = "batch_too_large"
    status = 413
    attr = "images"
    message = gettext_noop("Together, the photos are larger than %(limit_mb)s MB. Send fewer.")


class ApiKeyMissing(VisualSearchError):
    code = "api_key_missing"
    status = 401
    message = gettext_noop("Send the API key of your storefront in the header “X-Api-Key”.")


class ApiKeyInvalid(VisualSearchError):
    code = "api_key_invalid"
    status = 401
    message = gettext_noop(
        "This API key is unknown or no longer valid. Ask the shop for a new one."
    )


class QueryNotFound(VisualSearchError):
    attr = "query_id"
    code = "query_not_found"
    status = 404
    message = gettext_noop("This search is unknown or has expired. Send the photo again.")


class ServiceUnavailable(VisualSearchError):
    """A database, server, worker or model is down or not ready; a retry may succeed.

    ``retry_after``: seconds to wait before the retry.
    """

    status = 503
    retry_after = 5


class IndexNotReady(ServiceUnavailable):
    code = "index_not_ready"
    retry_after = 30
    message = gettext_noop(
        "The catalog is not indexed yet. Run “manage.py visualsearch_index”, then try again."
    )
    told = gettext_noop("Search by photo is not ready yet. Try again in a few minutes.")


class ModelUnavailable(ServiceUnavailable):
    code = "model_unavailable"
    message = gettext_noop("The search model cannot be loaded: %(reason)s.")
    told = gettext_noop("Search by photo is not available right now. Try again in a moment.")


class BackendUnavailable(ServiceUnavailable):
    code = "search_unavailable"
    message = gettext_noop("Search by photo is not available right now. Try again in a moment.")


class Overloaded(ServiceUnavailable):
    code = "search_overloaded"
    retry_after = 1
    message = gettext_noop(
        "Many people are searching by photo right now. Try again in a few seconds."
    )


class SearchTimeout(ServiceUnavailable):
    code = "search_timeout"
    message = gettext_noop("The search took too long and was stopped. Try again in a moment.")


class IndexFileError(Exception):
    """An index file is missing, damaged or of another kind of index; the index is rebuilt."""
