"""Example responses for the OpenAPI description."""

from __future__ import annotations

from typing import Any

from django.utils.translation import override
from rest_framework import exceptions as drf

from ..exceptions import VisualSearchError
from ..web.refusals import customer_text

QUERY_ID = "0c5a7f0e-8a52-4b5e-9a55-3a0d1c1f2b6d"
SHOP = "https://shop.example"

PREDICTIONS = [
    {"label": "dress", "probability": 0.97, "name": "Dress"},
    {"label": "skirt", "probability": 0.02, "name": "Skirt"},
]
RESULT: dict[str, Any] = {
    "query_id": QUERY_ID,
    "model": "shopnet-3.1-afa78c18",
    "index_version": 4,
    "took_ms": {
        "decode": 2.1,
        "queue": 1.0,
        "encode": 4.3,
        "index": 1.2,
        "products": 2.0,
        "total": 10.6,
    },
    "predictions": [{**each, "offered": True} for each in PREDICTIONS],
    "category": {"value": "dress", "label": "Dresses"},
    "matched": True,
    "count": 166,
    "next": f"{SHOP}/api/visual-search/queries/{QUERY_ID}/?category=dress&offset=1&limit=1",
    "results": [
        {
            "product": {
                "key": "DR-1042",
                "name": "Floral wrap dress, forest and blush",
                "url": f"{SHOP}/product/71/floral-wrap-dress/",
                "image": f"{SHOP}/media/products/dr-1042.jpg",
                "price": "59.90",
            },
            "score": 0.675,
            "image": f"{SHOP}/media/products/dr-1042-back.jpg",
            "variants": [
                {
                    "key": "DR-1043",
                    "name": "Floral wrap dress, navy",
                    "url": f"{SHOP}/product/72/floral-wrap-dress-navy/",
                    "image": f"{SHOP}/media/products/dr-1043.jpg",
                    "price": "59.90",
                }
            ],
        }
    ],
    "warnings": [],
    "subject": [0.31, 0.22, 0.4, 0.55],
    "objects": [
        {
            "id": 1,
            "box": [0.31, 0.22, 0.4, 0.55],
            "label": "dress",
            "probability": 0.91,
            "name": "Dress",
        },
        {
            "id": 2,
            "box": [0.4, 0.8, 0.2, 0.15],
            "label": "shoes",
            "probability": 0.83,
            "name": "Shoes",
        },
    ],
}
FACETS: list[dict[str, Any]] = [
    {
        "name": "color",
        "label": "Colour",
        "kind": "choice",
        "value": "red",
        "options": [
            {"value": "navy", "label": "Navy", "count": 9},
            {"value": "red", "label": "Red", "count": 7},
        ],
    },
    {
        "name": "price",
        "label": "Price",
        "kind": "range",
        "min_param": "min_price",
        "max_param": "max_price",
        "min": 12.0,
        "max": 89.0,
        "value": [None, 50.0],
    },
]
ORDERINGS = [
    {"value": "", "label": "Most similar"},
    {"value": "price", "label": "Price, low to high"},
]
SIMILAR = RESULT | {
    "query_id": None,
    "next": None,
    "predictions": [],
    "category": None,
    "subject": None,
    "took_ms": {"index": 1.4, "products": 1.9, "total": 3.3},
}
PENDING = {"query_id": QUERY_ID, "status": "pending"}
EVENT = {"query_id": QUERY_ID, "event": "click", "product": "DR-1042"}
BATCH = {
    "results": [
        {"status": 200, "result": RESULT, "errors": []},
        {
            "status": 422,
            "result": None,
            "errors": [
                {
                    "code": "image_corrupt",
                    "detail": "The photo is damaged or incomplete. Take or save it again and"
                    " resend it.",
                    "attr": "image",
                }
            ],
        },
    ]
}
STATUS = {
    "ready": True,
    "code": "",
    "detail": "",
    "model": "shopnet-3.1-afa78c18",
    "index_version": 4,
    "products": 166,
    "processors_agree": True,
    "accepted": ["JPEG", "PNG", "WebP"],
    "max_photo_bytes": 12_000_000,
    "max_photo_megapixels": 50,
    "min_photo_side": 16,
    "max_batch_photos": 16,
    "max_batch_bytes": 48_000_000,
}

# Values for the placeholders in error messages.
PARAMS = {
    "limit_mb": 12,
    "limit": 16,
    "accepted": "JPEG, PNG, WebP, GIF, BMP, AVIF",
    "width": 20_000,
    "height": 1,
    "seconds": 40,
    "reason": "its file is damaged",
}


def error(refusal: type[VisualSearchError]) -> dict[str, Any]:
    """Return the example body of an error of the app, in English."""
    with override("en"):
        detail = customer_text(refusal(**PARAMS))
    kind = "server_error" if refusal.status >= 500 else "client_error"
    return body(kind, refusal.code, detail, refusal.attr or None)


def framework_error(refusal: type[drf.APIException]) -> dict[str, Any]:
    """Return the example body of an error that REST framework raises, in English."""
    with override("en"):
        detail = str(refusal.default_detail).format(method="PUT", media_type="text/html")
    code = str(refusal.default_code)
    if issubclass(refusal, drf.ValidationError):
        return body("validation_error", code, detail, "limit")
    return body("client_error", code, detail, None)


def body(kind: str, code: str, detail: str, attr: str | None) -> dict[str, Any]:
    """Return an error body with a single error, in the format of all errors."""
    return {"type": kind, "errors": [{"code": code, "detail": detail, "attr": attr}]}
