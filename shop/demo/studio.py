"""Draw product photos: a garment on a near-white background with a soft shadow."""

from dataclasses import replace
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image

from .fabric import Floats, enlarged, merged, plane, shifted, soft_mask
from .garments import garment
from .geometry import Frame, fit
from .look import Look
from .products import Product
from .render import Canvas, Mood, draw_shapes
from .shapes import Shapes, all_points

WIDTH, HEIGHT = 600, 750  # pixels
QUALITY = 90
DETAIL = 1.85  # magnification of a detail view
# Centre of a detail view, as shares of the picture from the left and the top.
FOCUS = {
    "longsleeve": (0.5, 0.3),
    "t-shirt": (0.5, 0.3),
    "shirt": (0.56, 0.32),
    "dress": (0.5, 0.32),
}
STANDING = {"shoes", "hat"}


def frame_for(product: Product, shapes: Shapes, view: str) -> Frame:
    """Return the frame of a view: the whole product, or its detail."""
    turn = float(np.random.default_rng(product.seed).uniform(-1.2, 1.2))
    frame = fit(all_points(shapes), WIDTH, HEIGHT, fill=0.84, turn=turn)
    if view != "detail":
        return frame
    x, y = FOCUS.get(product.kind, (0.5, 0.25))
    centre = np.array([WIDTH * x, HEIGHT * y])
    shift = np.array([WIDTH / 2, HEIGHT / 2]) + (np.array(frame.shift) - centre) * DETAIL
    return replace(frame, scale=frame.scale * DETAIL, shift=(float(shift[0]), float(shift[1])))


@lru_cache(maxsize=1)
def backdrop(width: int, height: int) -> Floats:
    """Draw studio paper, float32 (3, height, width), lightest above the middle."""
    y, x = np.mgrid[0 : height // 3, 0 : width // 3].astype(np.float32)
    away = ((x * 3 / width - 0.46) / 0.9) ** 2 + ((y * 3 / height - 0.4) / 0.95) ** 2
    light = 1 - 0.075 * np.clip(away, 0, 1)
    return enlarged(light, (width, height)) * plane((249, 248, 246))


def shadow(canvas: Canvas, *, standing: bool) -> Floats:
    """Return the darkness of the ground below a garment, float32 (height, width), 0 to 1."""
    small = Image.fromarray((canvas.alpha * 255).astype(np.uint8)).reduce(3)
    wide, near = soft_mask(small, 13), soft_mask(small, 3.2)
    dark = 0.20 * shifted(wide, 7, 3) + 0.24 * shifted(near, 2, 1)
    if standing:
        dark = 0.5 * dark + _contact(small)
    return np.asarray(enlarged(dark, (canvas.width, canvas.height)))


def _contact(small: Image.Image) -> Floats:
    """Return the contact shadow of a standing object: its shape, flattened at its foot."""
    box = small.getbbox() or (0, 0, *small.size)
    width, depth = box[2] - box[0], max(6, (box[3] - box[1]) // 7)
    ground = Image.new("L", small.size, 0)
    foot = small.crop(box).resize((width, depth), Image.Resampling.BILINEAR)
    ground.paste(foot, (box[0], box[3] - depth * 3 // 4))
    return 0.44 * soft_mask(ground, 4.5) + 0.2 * soft_mask(ground, 11)


def product_photo(product: Product, view: str) -> Image.Image:
    """Draw a view (front, back or detail) of a product, RGB 600 x 750."""
    shapes = garment(product, back=view == "back")
    frame = frame_for(product, shapes, view)
    mood = Mood(seed=product.seed + len(view))
    canvas = draw_shapes(shapes, Look(product), frame, mood)
    below = (1 - shadow(canvas, standing=product.kind in STANDING)) * (1 - canvas.alpha)
    pixels = backdrop(WIDTH, HEIGHT) * below
    pixels += canvas.rgb
    return merged(pixels)


def jpeg(image: Image.Image, *, quality: int = QUALITY, **options: object) -> bytes:
    """Encode a picture as JPEG, deterministically."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality, **options)
    return buffer.getvalue()
