"""Write an HTML page with photos, their true boxes and the objects that were found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from PIL import Image, ImageDraw

from visualsearch.encoders.objects import Object
from visualsearch.photos.crops import Crop, box_of

# Longer side of a picture on the page, in pixels.
SIDE = 420
TRUE, FOUND, STRAY = (0, 170, 60), (255, 255, 255), (230, 30, 30)
HEAD = """<!doctype html><meta charset="utf-8"><title>Objects</title>
<style>body{font:14px sans-serif;background:#333;color:#eee}figure{display:inline-block;margin:6px;
vertical-align:top}figcaption{max-width:420px}</style>
"""


def drawn(
    image: Image.Image, true: Iterable[Crop], objects: Iterable[tuple[Object, bool]]
) -> Image.Image:
    """Return a small copy with the ``true`` boxes and the objects, each with whether it is good."""
    picture = image.copy()
    picture.thumbnail((SIDE, SIDE))
    pen = ImageDraw.Draw(picture)
    for box in true:
        pen.rectangle(box_of(picture.size, box), outline=TRUE, width=2)
    for each, good in objects:
        left, top, *_ = box = box_of(picture.size, each.box)
        pen.rectangle(box, outline=FOUND if good else STRAY, width=2)
        pen.text((left + 4, top + 3), f"{each.label} {each.score:.2f}", fill=FOUND)
    return picture


def write(folder: Path, title: str, red: str, pictures: Sequence[tuple[Image.Image, str]]) -> Path:
    """Write a page of pictures with captions into ``folder``; return its path.

    ``red``: what red boxes are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    legend = f"<p>Green: what is there. White: objects; red: {escape(red)}.</p>\n"
    lines = [HEAD, f"<h1>{escape(title)}</h1>\n", legend]
    for number, (picture, caption) in enumerate(pictures):
        name = f"{number:03}.jpg"
        picture.save(folder / name, quality=85)
        text = escape(caption)
        lines.append(f'<figure><img src="{name}" alt=""><figcaption>{text}</figcaption></figure>\n')
    path = folder / "index.html"
    path.write_text("".join(lines), "utf-8")
    return path
