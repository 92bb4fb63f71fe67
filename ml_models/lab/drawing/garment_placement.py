"""Place a garment of a photo on a drawn body, and pose arms and legs inside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .bodies import SIDES, Body, set_arm
from .cut_outs import CutOut
from .garment_measures import measure_garment
from .painting import Floats, Layer, Random, Size

# Least and greatest length of a worn class, in shares of the person's height.
LENGTHS = {
    "t-shirt": (0.33, 0.4), "shirt": (0.36, 0.44), "longsleeve": (0.33, 0.43),
    "outwear": (0.36, 0.58), "dress": (0.47, 0.78), "pants": (0.505, 0.545),
    "shorts": (0.15, 0.33), "skirt": (0.17, 0.5),
}  # fmt: skip
Warp = Callable[[Floats, Floats], tuple[Floats, Floats]]


def place_upper(
    size: Size, someone: Body, rng: Random, cut: CutOut, label: str
) -> tuple[Layer, list[bool]]:
    """Place a top or dress on the shoulders, and pose the arms along its sleeves.

    Return the placed garment, and for each arm whether it has no sleeve. ``size``: (width, height)
    of the picture. ``someone`` is changed.
    """
    u, high = someone.unit, cut.alpha.shape[0]
    found = measure_garment(cut.alpha)
    ease = float(rng.uniform(0.2, 1.4)) + (0.8 if label == "outwear" else 0)
    trunk = (8.6 * someone.wide + ease) * u
    scale = trunk / found.trunk
    least, most = (share * someone.height for share in LENGTHS[label])
    long = float(np.clip(high * scale, least, most))
    tall = long / high
    top = someone.neck[1] - (2.6 if label in ("shirt", "outwear") else 1.4) * u
    middle = someone.neck[0]
    hang = [hang_sleeve(someone, rng, far * scale, low * tall) for far, low in found.sleeves]
    for arm, (_, _, far, low) in enumerate(hang):
        follow(someone, rng, arm, np.array([middle + SIDES[arm] * (trunk + far), top + low]), far)
    lean = float(someone.waist[0] - someone.neck[0]) / max(1.0, float(someone.waist[1] - top))

    def warp(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        across, down = x - middle - lean * (y - top), y - top
        side = (across > 0).astype(int)
        out = np.maximum(0, np.abs(across) - trunk)
        # A wide hem below the sleeves is not moved.
        sleeve = down < np.array([each[3] + 1.5 * u for each in hang])[side]
        squeeze = np.where(sleeve, np.array([each[0] for each in hang])[side], 1)
        drop = np.where(sleeve, np.array([each[1] for each in hang])[side], 0)
        across = np.sign(across) * (np.minimum(np.abs(across), trunk) + out * squeeze)
        return across / scale + found.middle, (down - out * drop) / tall

    widest = scale * max(found.middle, cut.alpha.shape[1] - found.middle)
    reach = max(widest, trunk + 6 * u)
    lowest = max(long, max(low for _, _, _, low in hang) + 4 * u)
    box = (middle - reach - abs(lean) * long, top, 2 * (reach + abs(lean) * long), lowest)
    return sampled(size, cut, box, warp), [not far for far, _ in found.sleeves]


def hang_sleeve(
    someone: Body, rng: Random, far: float, low: float
) -> tuple[float, float, float, float]:
    """Return the transform that turns a sleeve down from spread arms, keeping its length.

    ``far`` and ``low``: distance of its end from the trunk and from the top, in pixels. The result:
    factor across, pixels to drop per pixel away from the trunk, new ``far``, new ``low``.
    """
    u = someone.unit
    if not far:
        return 1.0, 0.0, 0.0, 0.0
    start = 3 * u
    long = float(np.hypot(far, max(0.0, low - start)))
    out = float(min(far, rng.uniform(0.22, 0.42) * long + 1.5 * u))
    down = float(np.sqrt(max(0.0, long**2 - out**2))) + start
    return far / out, (down - low) / out, out, down


def follow(someone: Body, rng: Random, arm: int, end: NDArray[np.float64], far: float) -> None:
    """Pose an arm (0 left, 1 right) inside the sleeve that ends at the point ``end``.

    ``far``: distance of that end from the trunk in pixels; 0, no sleeve: leave the arm as it is.
    """
    u = someone.unit
    shoulder = someone.shoulders[arm]
    # ``end`` was measured at the sleeve's outer edge.
    along = end - shoulder + (-SIDES[arm] * 1.2 * u, 0)
    long = float(np.hypot(*along))
    if not far or long < 3 * u:
        return
    degrees = float(np.degrees(np.arctan2(SIDES[arm] * along[0], along[1])))
    if long < 19 * u:
        set_arm(someone, arm, degrees, float(rng.uniform(-10, max(1.0, degrees))))
        return
    someone.elbows[arm] = shoulder + along * 0.5
    someone.wrists[arm] = shoulder + along * 0.97


def place_lower(size: Size, someone: Body, rng: Random, cut: CutOut, label: str) -> Layer:
    """Place trousers, shorts or a skirt on the hips, move the legs into it, and return the layer.

    ``size``: (width, height) of the picture. ``someone`` is changed.
    """
    high = cut.alpha.shape[0]
    mask = cut.alpha > 0.5
    places = np.nonzero(mask[: max(2, high // 5)])[1]
    middle = float((places.min() + places.max()) / 2) if len(places) else mask.shape[1] / 2
    waist = float(np.ptp(places)) / 2 if len(places) else mask.shape[1] / 2
    hips = (7.6 * someone.wide + float(rng.uniform(0, 0.9))) * someone.unit
    scale = hips / max(1.0, waist)
    least, most = (share * someone.height for share in LENGTHS[label])
    long = float(np.clip(high * scale, least, most))
    start = someone.at(0, float(rng.uniform(0.405, 0.425)))
    tall, across = long / high, float(someone.waist[0])
    if label != "skirt":
        stand_in(someone, mask, middle, scale, across)
    reach = scale * max(middle, mask.shape[1] - middle)
    box = (across - reach, float(start[1]), 2 * reach, long)

    def warp(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        return (x - across) / scale + middle, (y - start[1]) / tall

    return sampled(size, cut, box, warp)


def stand_in(
    someone: Body, mask: NDArray[np.bool_], middle: float, scale: float, across: float
) -> None:
    """Move knees and ankles into the legs of a garment, sideways.

    ``mask`` (h, w): the garment; ``middle``: its centre column. ``scale``: pixels of the picture
    per pixel of the mask. ``across``: column of the picture where the centre is placed.
    """
    low = np.nonzero(mask[-max(2, mask.shape[0] // 12) :])[1] - middle
    for leg, side in enumerate(SIDES):
        mine = low[low * side > 0]
        if not len(mine):
            continue
        end = across + float(np.mean(mine)) * scale
        hip = float(someone.hips[leg][0])
        someone.ankles[leg][0] = end if mask.shape[0] > 1.4 * mask.shape[1] else (end + hip) / 2
        someone.knees[leg][0] = (someone.ankles[leg][0] + hip) / 2


def stretched(size: Size, cut: CutOut, box: tuple[float, float, float, float]) -> Layer:
    """Stretch a garment over ``box`` (x, y, w, h) in pixels, and return the layer.

    ``size``: (width, height) of the picture.
    """
    x0, y0, across, down = box
    height, width = cut.alpha.shape
    return sampled(
        size, cut, box, lambda x, y: ((x - x0) * width / across, (y - y0) * height / down)
    )


def sampled(size: Size, cut: CutOut, box: tuple[float, float, float, float], warp: Warp) -> Layer:
    """Return the layer of a ``box`` (x, y, w, h), sampled from the cut-out through ``warp``.

    ``warp`` maps x and y of the picture to x and y of the cut-out, both in pixels. ``size``:
    (width, height) of the picture, to which the box is clipped.
    """
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    right = max(left + 2, min(size[0], int(box[0] + box[2]) + 1))
    bottom = max(top + 2, min(size[1], int(box[1] + box[3]) + 1))
    x, y = np.meshgrid(
        np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)
    )
    column, row = warp(x, y)
    height, width = cut.alpha.shape
    inside = (column >= 0) & (row >= 0) & (column <= width - 1) & (row <= height - 1)
    column, row = np.clip(column, 0, width - 1.001), np.clip(row, 0, height - 1.001)
    whole_c, whole_r = column.astype(np.int64), row.astype(np.int64)
    part_c, part_r = (column - whole_c)[..., None], (row - whole_r)[..., None]
    every = np.concatenate([cut.pixels, cut.alpha[..., None]], 2).astype(np.float32)
    flat, at = every.reshape(-1, 4), whole_r * width + whole_c
    upper = flat[at] * (1 - part_c) + flat[at + 1] * part_c
    lower = flat[at + width] * (1 - part_c) + flat[at + width + 1] * part_c
    mixed = (upper * (1 - part_r) + lower * part_r).astype(np.float32)
    alpha = mixed[..., 3] * inside
    return Layer(box=(left, top, right, bottom), alpha=alpha, texture=mixed[..., :3])
