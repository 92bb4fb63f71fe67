"""Schemathesis hooks that replace generated photos, searches and products by existing ones.

Schemathesis runs in its own process, so the environment names the existing search.
"""

import base64
import os
from typing import Any

import schemathesis

from tests.helpers.pictures import encoded, picture

PHOTO = encoded(picture(3))
QUERY_ID = os.environ["CONFORMANCE_QUERY_ID"]
RAW = ("image/*", "application/octet-stream")
REAL: dict[str, Any] = {"query_id": QUERY_ID, "key": "P3", "product": "P3"}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Set photos and identifiers to valid values, whatever else is wrong with the request."""
    for values in (case.path_parameters, case.body):
        if isinstance(values, dict):
            values.update({name: real for name, real in REAL.items() if name in values})
    if case.media_type in RAW:
        case.body = PHOTO
    if isinstance(case.body, dict):
        as_file = case.media_type == "multipart/form-data"
        photo = PHOTO if as_file else base64.b64encode(PHOTO).decode()
        for name in ("image", "images"):
            if name in case.body:
                many = isinstance(case.body[name], list)
                case.body[name] = [photo, photo] if many else photo
