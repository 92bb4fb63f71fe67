"""Join pictures into a contact sheet."""

from __future__ import annotations

from PIL import Image


def sheet(images: list[Image.Image], columns: int = 10) -> Image.Image:
    """Return a picture with all images in rows of ``columns``; all have the first one's size."""
    across, down = images[0].size
    rows = -(-len(images) // columns)
    made = Image.new("RGB", (columns * across, rows * down))
    for place, image in enumerate(images):
        made.paste(image, (place % columns * across, place // columns * down))
    return made
