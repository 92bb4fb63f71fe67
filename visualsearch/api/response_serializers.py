"""Serializers of responses."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from ..models import Event


class ErrorItemSerializer(serializers.Serializer[Any]):
    """One error."""

    code = serializers.CharField(help_text="Stable code of the error.")
    detail = serializers.CharField(help_text="What to do, in the language of Accept-Language.")
    attr = serializers.CharField(allow_null=True, help_text="Request field that caused the error.")


class ErrorSerializer(serializers.Serializer[Any]):
    """The format of every error response."""

    type = serializers.ChoiceField(["validation_error", "client_error", "server_error"])
    errors = ErrorItemSerializer(many=True)  # type: ignore[assignment]


class ClassSerializer(serializers.Serializer[Any]):
    """A class of the model, with its probability for the photo."""

    label = serializers.CharField()  # type: ignore[assignment]
    probability = serializers.FloatField(min_value=0, max_value=1)
    name = serializers.CharField(help_text="Name for customers.")


class PredictionSerializer(ClassSerializer):
    offered = serializers.BooleanField(
        required=False,
        help_text="Whether the shop has a category for the class. Missing in searches without"
        " category.",
    )


class CategorySerializer(serializers.Serializer[Any]):
    """The category that a search was filtered by, given by name or chosen by ``auto``."""

    value = serializers.CharField(help_text="As requested; for auto, the label of the prediction.")
    label = serializers.CharField(help_text="Name for customers.")  # type: ignore[assignment]


class OptionSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField(min_value=0, help_text="Number among the 100 best results.")


class ChoiceSerializer(serializers.Serializer[Any]):
    """A filter with one value out of several; ``name`` is its query parameter."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(["choice"])
    value = serializers.CharField(allow_null=True)
    options = OptionSerializer(many=True)


class RangeSerializer(serializers.Serializer[Any]):
    """A filter by a range of numbers.

    ``min`` and ``max`` are the lowest and the highest number among the 100 best results.
    """

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
    """Facets as made by :mod:`visualsearch.facets`; this field only describes them."""


class OrderingSerializer(serializers.Serializer[Any]):
    value = serializers.CharField(allow_blank=True)
    label = serializers.CharField()  # type: ignore[assignment]


class CardSerializer(serializers.Serializer[Any]):
    """A product in a result list; a shop's catalog source may add fields."""

    key = serializers.CharField()
    name = serializers.CharField()
    url = serializers.CharField()
    image = serializers.CharField(allow_null=True)


class ResultSerializer(serializers.Serializer[Any]):
    product = CardSerializer()
    score = serializers.FloatField(
        min_value=-1,
        max_value=1,
        help_text="Similarity. Its scale differs between index versions.",
    )
    image = serializers.CharField(help_text="URL of the product image that matched.")
    variants = CardSerializer(
        many=True, help_text="Other products of its group, such as the style in other colours."
    )


class ObjectSerializer(serializers.Serializer[Any]):
    """A thing in a photo of several."""

    id = serializers.IntegerField(min_value=1)
    box = serializers.ListField(
        child=serializers.FloatField(min_value=0, max_value=1),
        min_length=4,
        max_length=4,
        help_text="x, y, w, h in fractions of the upright photo.",
    )
    label = serializers.CharField()  # type: ignore[assignment]
    probability = serializers.FloatField(min_value=0, max_value=1)
    name = serializers.CharField(help_text="Name for customers.")


class PerObjectSerializer(serializers.Serializer[Any]):
    """The results for one object."""

    object = serializers.IntegerField(min_value=1, help_text="Its id.")
    results = ResultSerializer(many=True)


class SearchResultSerializer(serializers.Serializer[Any]):
    query_id = serializers.UUIDField(allow_null=True)
    model = serializers.CharField()
    index_version = serializers.IntegerField()
    took_ms = serializers.DictField(child=serializers.FloatField())
    predictions = PredictionSerializer(many=True)
    category = CategorySerializer(allow_null=True)
    matched = serializers.BooleanField(
        help_text="Whether the best result is the same kind of thing as the photo shows."
    )
    count = serializers.IntegerField(help_text="Number of products that were ranked.")
    next = serializers.CharField(allow_null=True)
    results = ResultSerializer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())
    subject = serializers.ListField(
        child=serializers.FloatField(min_value=0, max_value=1),
        min_length=4,
        max_length=4,
        allow_null=True,
        help_text="x, y, w, h of the part that was searched, null for the whole photo.",
    )
    objects = ObjectSerializer(
        many=True, help_text="The things in the photo, most salient first; [] if there is only one."
    )
    per_object = PerObjectSerializer(required=False, many=True, help_text="Only with per_object=1.")
    facets = FacetsField(required=False, help_text="Only with facets=1.")
    orderings = OrderingSerializer(required=False, many=True, help_text="Only with facets=1.")


class ClassificationSerializer(serializers.Serializer[Any]):
    predictions = ClassSerializer(many=True)


class PhotoResultSerializer(serializers.Serializer[Any]):
    """The result of one photo of a batch."""

    status = serializers.IntegerField(help_text="HTTP status as if the photo had been sent alone.")
    result = SearchResultSerializer(allow_null=True)
    errors = ErrorItemSerializer(many=True)  # type: ignore[assignment]


class BatchSerializer(serializers.Serializer[Any]):
    """Results in the order of the photos."""

    results = PhotoResultSerializer(many=True)


class EventNotedSerializer(serializers.Serializer[Any]):
    """An event as it was recorded."""

    query_id = serializers.UUIDField()
    event = serializers.ChoiceField(Event.Kind.choices)
    product = serializers.CharField()
    rank = serializers.IntegerField(
        min_value=1, help_text="Rank at which the search showed the product, from 1."
    )


class StatusSerializer(serializers.Serializer[Any]):
    """Whether searches with photos are possible now, and the limits on uploads."""

    ready = serializers.BooleanField()
    code = serializers.CharField(
        allow_blank=True, help_text="Code of the error that a search would get."
    )
    detail = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_null=True)
    index_version = serializers.IntegerField(allow_null=True)
    products = serializers.IntegerField(
        allow_null=True, help_text="Number of products that can be found."
    )
    processors_agree = serializers.BooleanField(
        help_text="Whether all machines compute the same embeddings. The admin lists the others."
    )
    accepted = serializers.ListField(
        child=serializers.CharField(), help_text="Accepted photo formats."
    )
    max_photo_bytes = serializers.IntegerField()
    max_photo_megapixels = serializers.FloatField()
    min_photo_side = serializers.IntegerField(help_text="In pixels.")
    max_batch_photos = serializers.IntegerField()
    max_batch_bytes = serializers.IntegerField()


class PendingSerializer(serializers.Serializer[Any]):
    """A search that is not done yet; the header ``Location`` has the URL of its result."""

    query_id = serializers.UUIDField()
    status = serializers.ChoiceField(["pending"])
