"""Photos of several products, made of pictures of the demo catalog."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from shop.demo_catalog import CATALOG

IMAGES = CATALOG.parent / "images"


def scene(*names: str) -> dict[str, Any]:
    """Return a JPEG of these pictures side by side, as a file for Playwright's file inputs."""
    whole = Image.new("RGB", (420 * len(names), 640), "#b9c4c9")
    for place, name in enumerate(names):
        with Image.open(IMAGES / f"{name}.jpg") as picture:
            small = picture.convert("RGB")
        small.thumbnail((360, 560))
        whole.paste(small, (420 * place + 30, 40))
    file = io.BytesIO()
    whole.save(file, "JPEG")
    return {"name": "scene.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def hat_and_skirt() -> dict[str, Any]:
    """Return a photo in which the shipped model finds a hat (left) and a skirt (right)."""
    return scene("ha03-red", "sk02-nav")
