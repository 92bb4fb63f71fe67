"""Fields of requests and answers."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from ..exceptions import InvalidCrop
from ..photos import Crop, check_crop

MAX_LIMIT = 100
MAX_OFFSET = 10_000
CATEGORY_HELP = (
    "one of the shop's categories, a label of the predictions, or auto: the photo's class where it"
    " is sure"
)
IMAGE_HELP = "The photo: a file, or in JSON its bytes as base64 or as a data URL."
URL_HELP = "In place of “image”, where the shop fetches photos: the URL of one."


@extend_schema_field(OpenApiTypes.STR)
class CropField(serializers.Field[Crop, Any, Any, Any]):
    """``x,y,w,h`` as fractions of the upright photo; in JSON a list of four numbers will do."""

    def to_internal_value(self, data: Any) -> Crop:
        """Four numbers that lie within the photo."""
        parts = data.split(",") if isinstance(data, str) else data
        try:
            x, y, w, h = (float(part) for part in parts)
            check_crop((x, y, w, h))
        except (TypeError, ValueError, InvalidCrop) as error:
            message = gettext(InvalidCrop.message)
            raise serializers.ValidationError(message, InvalidCrop.code) from error
        return x, y, w, h


class PageSerializer(serializers.Serializer[Any]):
    """How much of a ranking is wanted."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=12)
    offset = serializers.IntegerField(min_value=0, max_value=MAX_OFFSET, default=0)


class QueryPageSerializer(PageSerializer):
    """What may be said about an earlier search. The shop's own filters are further parameters."""

    crop = CropField(
        required=False,
        help_text="x,y,w,h as fractions of the upright photo, such as 0.1,0.2,0.5,0.5",
    )
    category = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text=CATEGORY_HELP
    )
    ordering = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=50,
        help_text="a value of orderings; sorts the 100 best",
    )
    facets = serializers.BooleanField(
        required=False, default=False, help_text="whether facets and orderings are answered too"
    )


class PhotoOptionsSerializer(serializers.Serializer[Any]):
    """What may be said about a photo; the photo itself is taken from the body as bytes."""

    crop = CropField(
        required=False,
        help_text="x,y,w,h as fractions of the upright photo, such as 0.1,0.2,0.5,0.5",
    )


class SearchOptionsSerializer(PhotoOptionsSerializer):
    """What may be said about a search. The shop's own filters are query parameters."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=12)
    category = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text=CATEGORY_HELP
    )


class PhotoSerializer(PhotoOptionsSerializer):
    """A photo to classify."""

    image = serializers.FileField(help_text=IMAGE_HELP)
    image_url = serializers.URLField(required=False, help_text=URL_HELP)


class SearchSerializer(SearchOptionsSerializer):
    """A photo to search by."""

    image = serializers.FileField(help_text=IMAGE_HELP)
    image_url = serializers.URLField(required=False, help_text=URL_HELP)


class ClassSerializer(serializers.Serializer[Any]):
    """A class of the model."""

    label = serializers.CharField()  # type: ignore[assignment]
    probability = serializers.FloatField(min_value=0, max_value=1)
    name = serializers.CharField(help_text="what customers call it")


class PredictionSerializer(ClassSerializer):
    offered = serializers.BooleanField(
        required=False,
        help_text="whether the shop can be narrowed down to it by category; a search without"
        " category does not tell",
    )


class CategorySerializer(serializers.Serializer[Any]):
    """What a search was narrowed down to, by name or by auto."""

    value = serializers.CharField(help_text="as it was asked for; of auto, the prediction's label")
    label = serializers.CharField(help_text="what customers call it")  # type: ignore[assignment]


class OptionSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField(min_value=0, help_text="among the 100 best hits")


class ChoiceSerializer(serializers.Serializer[Any]):
    """A filter of one value out of some; ``name`` is its parameter."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(["choice"])
    value = serializers.CharField(allow_null=True)
    options = OptionSerializer(many=True)


class RangeSerializer(serializers.Serializer[Any]):
    """A filter of numbers from … to …, with the least and the largest of the 100 best hits."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(["range"])
    min_param = serializers.CharField()
    max_param = serializers.CharField()
    min = serializers.FloatField(allow_null=True)
    max = serializers.FloatField(allow_null=True)
    value = serializers.ListField(
        child=serializers.FloatField(allow_null=True), min_length=2, max_length=2
    )


@extend_schema_field(
    PolymorphicProxySerializer(
        component_name="Facet",
        serializers={"choice": ChoiceSerializer, "range": RangeSerializer},
        resource_type_field_name="kind",
        many=True,
    )
)
class FacetsField(serializers.Field[Any, Any, Any, Any]):
    """Described here, made by :mod:`visualsearch.facets`."""


class OrderingSerializer(serializers.Serializer[Any]):
    value = serializers.CharField(allow_blank=True)
    label = serializers.CharField()  # type: ignore[assignment]


class CardSerializer(serializers.Serializer[Any]):
    """What a result list shows of a product; a shop's catalog source may add fields."""

    key = serializers.CharField()
    name = serializers.CharField()
    url = serializers.CharField()
    image = serializers.CharField(allow_null=True)


class ResultSerializer(serializers.Serializer[Any]):
    product = CardSerializer()
    score = serializers.FloatField(min_value=-1, max_value=1, help_text="cosine similarity")
    image = serializers.CharField(help_text="URL of the product's picture that matched")


class SearchResultSerializer(serializers.Serializer[Any]):
    query_id = serializers.UUIDField(allow_null=True)
    model = serializers.CharField()
    index_version = serializers.IntegerField()
    took_ms = serializers.DictField(child=serializers.FloatField())
    predictions = PredictionSerializer(many=True)
    category = CategorySerializer(allow_null=True)
    matched = serializers.BooleanField(
        help_text="whether the best result is the same kind of thing as the photo shows"
    )
    count = serializers.IntegerField(help_text="products that were ranked")
    next = serializers.CharField(allow_null=True)
    results = ResultSerializer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())
    subject = serializers.ListField(
        child=serializers.FloatField(min_value=0, max_value=1),
        min_length=4,
        max_length=4,
        allow_null=True,
        help_text="x, y, w, h of the part that was searched for, if it was not the whole photo",
    )
    facets = FacetsField(required=False, help_text="with facets=1")
    orderings = OrderingSerializer(required=False, many=True, help_text="with facets=1")


class ClassificationSerializer(serializers.Serializer[Any]):
    predictions = ClassSerializer(many=True)


class PendingSerializer(serializers.Serializer[Any]):
    """A search that is still to be done; its place is in the header ``Location``."""

    query_id = serializers.UUIDField()
    status = serializers.ChoiceField(["pending"])
