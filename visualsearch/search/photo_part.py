"""Search with a part of a photo, by its stored features."""

from __future__ import annotations

from copy import copy

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from ..encoders.base import Encoder
from ..encoders.cells import Cells
from ..exceptions import CropUnavailable
from ..models import Query, to_bytes
from ..photos.crops import Crop, relative_to
from .encode_photo import top_predictions


def narrowed(query: Query, encoder: Encoder, crop: Crop) -> Query:
    """Return a copy of a query with the vector and predictions of a crop; it must not be saved.

    ``crop`` is in fractions of the uploaded photo. Raises InvalidCrop for a malformed crop,
    CropUnavailable if the query has no stored features (``query.cells``) or the crop exceeds the
    part of the photo that was searched with (``query.crop``).
    """
    part = relative_to(query.crop, crop)
    if part is None or not query.cells:
        raise CropUnavailable
    seen = encoder.pool(Cells.from_bytes(query.cells), part)
    found = copy(query)
    found.vector = to_bytes(seen.embeddings[0])
    best = top_predictions(encoder, seen.probabilities[0])
    found.predictions = [vars(each) for each in best]
    return found


def narrowed_to_object(query: Query, encoder: Encoder, number: int) -> Query:
    """Return a copy of a query with the vector and predictions of one of its objects.

    ``number``: the object's id. Raises ValidationError if there is no such object, CropUnavailable
    if the query has no stored features.
    """
    for each in query.objects_found or ():
        if each["id"] == number:
            return narrowed(query, encoder, tuple(each["box"]))
    known = ", ".join(str(each["id"]) for each in query.objects_found or ()) or "–"
    raise ValidationError({"object": [gettext("Use one of: %(known)s.") % {"known": known}]})
