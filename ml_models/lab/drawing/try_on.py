"""Put a garment, photographed alone, on a drawn person (virtual try-on).

The pairs teach a network to match a worn garment with the same one alone. No photo of a person is
used.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from . import cloth, jackets, tops
from .bodies import Body, draw_arm, draw_head, draw_neck
from .cut_outs import CutOut, cut_out
from .garment_placement import place_lower, place_upper, stretched
from .painting import Box, Canvas, Layer, Random, Size
from .person import SIZE, draw_above, draw_below, draw_lower, draw_upper, photo_of, stand

UPPER = ("t-shirt", "shirt", "longsleeve", "outwear", "dress")
LONG_SLEEVED = ("longsleeve", "outwear")
LOWER = ("pants", "shorts", "skirt")
WEARABLE = (*UPPER, *LOWER, "shoes", "hat")
# Photos are read at this size; more detail would not be visible on the person.
READ = 320
GARMENT = 100  # the owner of its pixels


def worn_pair(
    image: Image.Image, label: str, seed: int, size: Size = SIZE
) -> tuple[Image.Image, Box] | None:
    """Return a drawn person who wears the garment of a photo, and the garment's visible box.

    ``label``: a class of :data:`WEARABLE`. ``size``: (width, height) of the picture; the box is
    (left, top, right, bottom) in its pixels. Return None if the garment cannot be cut out. The same
    photo and seed give the same picture.
    """
    small = image.convert("RGB")
    small.thumbnail((READ, READ), Image.Resampling.BOX, reducing_gap=2)
    cut = cut_out(small, label)
    return None if cut is None else wear(cut, label, seed, size)


def wear(cut: CutOut, label: str, seed: int, size: Size = SIZE) -> tuple[Image.Image, Box] | None:
    """Return a drawn person who wears a cut-out, and its visible box (left, top, right, bottom).

    ``label``: a class of :data:`WEARABLE`. ``size``: (width, height) in pixels. Return None if less
    than 0.2 % of the picture would show the garment.
    """
    rng = np.random.default_rng([seed, 202])
    canvas, someone = stand(rng, size)
    {"shoes": wear_shoes, "hat": wear_hat}.get(label, wear_cloth)(canvas, someone, rng, cut, label)
    box = canvas.box_of(GARMENT)
    if box is None or (box[2] - box[0]) * (box[3] - box[1]) < 0.002 * canvas.owner.size:
        return None
    return photo_of(canvas, rng), box


def wear_cloth(canvas: Canvas, someone: Body, rng: Random, cut: CutOut, label: str) -> None:
    """Paint a person who wears a cut-out top, dress, trousers or skirt of class ``label``."""
    if label in UPPER:
        part, bare = place_upper(canvas.size, someone, rng, cut, label)
        worn = draw_below(canvas, someone, rng)
        if label != "dress":
            worn += draw_lower(canvas, someone, rng, len(worn))
        paint_upper(canvas, someone, rng, part, label, bare)
    else:
        part = place_lower(canvas.size, someone, rng, cut, label)
        worn = draw_below(canvas, someone, rng)
        put(canvas, part, someone)
        worn += draw_upper(canvas, someone, rng, len(worn), jackets=0)
    draw_above(canvas, someone, rng, len(worn))


def paint_upper(
    canvas: Canvas, someone: Body, rng: Random, part: Layer, label: str, bare: list[bool]
) -> None:
    """Paint the arms, the neck and a top or dress, the placed layer ``part``.

    A collar closes around the neck, a neckline does not. ``bare``: for each arm, whether the photo
    shows no sleeve. Classes with long sleeves then get drawn ones in the garment's colour, below
    the photo: sleeves folded onto the trunk cannot be seen.
    """
    jacket = label not in ("outwear", "dress") and rng.random() < 0.12
    if jacket:
        part = without_sleeves(part, someone)
    for arm in (0, 1):
        draw_arm(canvas, someone, arm)
        if not jacket and (label in LONG_SLEEVED or (bare[arm] and label == "shirt")):
            draw_matching_sleeve(canvas, someone, rng, arm, part)
    closed = label in ("shirt", "outwear")
    if closed:
        draw_neck(canvas, someone)
    put(canvas, part, someone)
    if not closed:
        draw_neck(canvas, someone, dip=float(rng.uniform(0, 1)))
    if jacket:
        jackets.draw_outwear(canvas, someone, rng, 50, opened=True)


def draw_matching_sleeve(canvas: Canvas, someone: Body, rng: Random, arm: int, part: Layer) -> None:
    """Draw a sleeve in the median colour of the layer ``part`` on an arm (0 left, 1 right)."""
    assert part.texture is not None
    middle = np.median(part.texture[part.alpha > 0.9], axis=0)
    red, green, blue = np.nan_to_num(middle).astype(int).tolist()
    made = cloth.Cloth(colour=(red, green, blue), fill=cloth.plain((red, green, blue)))
    shapes = tops.sleeve(someone, arm, float(rng.uniform(0.9, 1)), 0.6)
    cloth.sew(canvas, made, shapes, GARMENT, someone.unit * 1.4)


def without_sleeves(part: Layer, someone: Body) -> Layer:
    """Return the middle of the layer ``part``, between the sleeves, as seen under a jacket."""
    places = np.arange(part.box[0], part.box[2]) - someone.neck[0]
    inner = np.abs(places) < 7 * someone.wide * someone.unit
    return Layer(box=part.box, alpha=part.alpha * inner, texture=part.texture)


def wear_shoes(canvas: Canvas, someone: Body, rng: Random, cut: CutOut, label: str) -> None:
    """Paint a person who wears a cut-out pair of shoes; ``label`` is not used."""
    worn = draw_below(canvas, someone, rng, shoes=False)
    u = someone.unit
    middle = (someone.ankles[0] + someone.ankles[1]) / 2
    across = max(11 * u, abs(someone.ankles[1][0] - someone.ankles[0][0]) + 7 * u)
    down = float(np.clip(across * cut.alpha.shape[0] / cut.alpha.shape[1], 5 * u, 12 * u))
    box = (middle[0] - across / 2, middle[1] + 5 * u - down, across, down)
    put(canvas, stretched(canvas.size, cut, box), someone)
    worn += draw_lower(canvas, someone, rng, len(worn))
    worn += draw_upper(canvas, someone, rng, len(worn))
    draw_above(canvas, someone, rng, len(worn))


def wear_hat(canvas: Canvas, someone: Body, rng: Random, cut: CutOut, label: str) -> None:
    """Paint a person who wears a cut-out hat; ``label`` is not used."""
    worn = draw_below(canvas, someone, rng)
    worn += draw_lower(canvas, someone, rng, len(worn))
    draw_upper(canvas, someone, rng, len(worn))
    draw_head(canvas, someone, rng)
    u = someone.unit
    across = float(rng.uniform(10.5, 12.5)) * u
    down = float(np.clip(across * cut.alpha.shape[0] / cut.alpha.shape[1], 6 * u, 11 * u))
    low = someone.head[1] - float(rng.uniform(1.2, 2.4)) * u
    box = (float(someone.head[0]) - across / 2, low - down, across, down)
    put(canvas, stretched(canvas.size, cut, box), someone)


def put(canvas: Canvas, part: Layer | None, someone: Body) -> None:
    """Paint the layer ``part``, a photo's garment, shaded by the scene's light."""
    canvas.put(part, owner=GARMENT, round_by=someone.unit * 2.5, depth=0.25, folds=0.05)
