"""Serializers of requests."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from .. import conf
from ..exceptions import InvalidCrop
from ..models import Event
from ..models.primary import MAX_KEY
from ..photos.crops import Crop, check_crop
from ..search.requests import DEFAULT_LIMIT, FILTER, RANK

MAX_LIMIT = 100
MAX_OFFSET = 10_000
CATEGORY_HELP = (
    "A category of the shop, a label of the predictions, or auto: the class of the photo, if the"
    " model is certain."
)
CROP_HELP = "Part of the upright photo: x,y,w,h as fractions, such as 0.1,0.2,0.5,0.5."
FILE_HELP = "The photo file."
TEXT_HELP = "The photo file as base64 or as a data URL."
URL_HELP = "URL of the photo, in place of “image”. The shop must allow its origin."
VISITOR_HELP = (
    "Your identifier of the customer. Only a pseudonym of it is stored, so that an experiment shows"
    " each customer one version and the searches of one customer can be erased."
)
KEEP_HELP = (
    "Whether the customer allows the shop to keep the photo for a limited time. Ignored if the shop"
    " keeps no photos."
)
WORDS_HELP = (
    "Words that describe what the customer wants, such as: the same in navy. A name of a colour"
    " replaces the photo's colour."
)
MODE_HELP = (
    "rank: products that the words describe come first; filter: only these are returned, if all"
    " words describe them."
)
COLLAPSE_HELP = "Whether products of one group, such as a style, are one result with variants."
OBJECT_HELP = "The id of one of the objects, to search for it alone."
OUTFIT_HELP = "Whether to return results for each of the objects, too."
MAX_WORDS = 200
# Most photos in one batch.
BATCH = 16


@extend_schema_field({"type": "string", "pattern": r"^[\d.]+(,[\d.]+){3}$"})
class CropField(serializers.Field[Crop, Any, Any, Any]):
    """A crop ``x,y,w,h`` in fractions of the upright photo; JSON may send four numbers."""

    def to_internal_value(self, data: Any) -> Crop:
        """Return x, y, w, h; raise ValidationError unless they are a rectangle inside the photo."""
        parts = data.split(",") if isinstance(data, str) else data
        try:
            x, y, w, h = (float(part) for part in parts)
            check_crop((x, y, w, h))
        except (TypeError, ValueError, InvalidCrop) as error:
            message = gettext(InvalidCrop.message)
            raise serializers.ValidationError(message, InvalidCrop.code) from error
        return x, y, w, h


class WishesSerializer(serializers.Serializer[Any]):
    """Words with the photo, the object to search for, and whether results are collapsed."""

    q = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=MAX_WORDS, help_text=WORDS_HELP
    )
    words = serializers.ChoiceField([RANK, FILTER], default=RANK, help_text=MODE_HELP)
    collapse = serializers.BooleanField(required=False, default=True, help_text=COLLAPSE_HELP)
    object = serializers.IntegerField(required=False, min_value=1, help_text=OBJECT_HELP)
    per_object = serializers.BooleanField(required=False, default=False, help_text=OUTFIT_HELP)


class PageSerializer(serializers.Serializer[Any]):
    """Which page of the results to return."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    offset = serializers.IntegerField(min_value=0, max_value=MAX_OFFSET, default=0)


class SimilarSerializer(serializers.Serializer[Any]):
    """Options for products similar to one."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    collapse = serializers.BooleanField(required=False, default=True, help_text=COLLAPSE_HELP)


class QueryPageSerializer(WishesSerializer, PageSerializer):
    """Options for an earlier search. The shop's own filters are further parameters."""

    crop = CropField(required=False, help_text=CROP_HELP)
    category = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text=CATEGORY_HELP
    )
    ordering = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=50,
        help_text="A value of orderings, by which the 100 best results are sorted.",
    )
    facets = serializers.BooleanField(
        required=False, default=False, help_text="Whether to return facets and orderings."
    )


class PhotoOptionsSerializer(serializers.Serializer[Any]):
    """Options for a photo; the photo itself is read from the body as bytes."""

    crop = CropField(required=False, help_text=CROP_HELP)


class SearchOptionsSerializer(WishesSerializer, PhotoOptionsSerializer):
    """Options of a search. The shop's own filters are query parameters."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    category = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text=CATEGORY_HELP
    )
    visitor = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text=VISITOR_HELP
    )
    keep_photo = serializers.BooleanField(required=False, default=False, help_text=KEEP_HELP)


class ByUrl(serializers.Serializer[Any]):
    """Adds ``image_url``, to send a photo's URL in place of its bytes.

    The field exists only if the shop allows downloads.
    """

    image_url = serializers.URLField(required=False, help_text=URL_HELP)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; without ``image_url`` if the setting FETCH_ORIGINS is empty."""
        fields = super().get_fields()
        if conf.get("FETCH_ORIGINS"):
            fields["image"].required = False
        else:
            del fields["image_url"]
        return fields


class PhotoFileSerializer(ByUrl, PhotoOptionsSerializer):
    """A photo to classify, as a form."""

    image = serializers.FileField(help_text=FILE_HELP)


class PhotoTextSerializer(ByUrl, PhotoOptionsSerializer):
    """A photo to classify, as JSON."""

    image = serializers.CharField(help_text=TEXT_HELP)


class SearchFileSerializer(ByUrl, SearchOptionsSerializer):
    """A photo to search with, as a form."""

    image = serializers.FileField(help_text=FILE_HELP)


class SearchTextSerializer(ByUrl, SearchOptionsSerializer):
    """A photo to search with, as JSON."""

    image = serializers.CharField(help_text=TEXT_HELP)


class BatchFileSerializer(SearchOptionsSerializer):
    """Photos to search with, as a form with a field ``image`` for each photo."""

    image = serializers.ListField(
        child=serializers.FileField(), max_length=BATCH, help_text="One file per photo."
    )


class BatchTextSerializer(SearchOptionsSerializer):
    """Photos to search with, as JSON."""

    images = serializers.ListField(
        child=serializers.CharField(),
        max_length=BATCH,
        help_text="Each photo as base64 or as a data URL.",
    )


class EventSerializer(serializers.Serializer[Any]):
    """A customer's action on a product from the results of a search."""

    query_id = serializers.UUIDField()
    event = serializers.ChoiceField(Event.Kind.choices)
    product = serializers.CharField(
        max_length=MAX_KEY, trim_whitespace=False, help_text="Key of the product."
    )
