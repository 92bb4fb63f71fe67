"""Put a garment, photographed on a floor, on a drawn person.

    python -m ml_models.lab.composites --data PHOTOS --out SHEET.png [--count N] [--seed N]

Such pairs teach a network to match a worn garment with the same one alone. No photo of a person is
used.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visualsearch.photos.decode import ACCEPTED_SUFFIXES, open_photo

from . import people_garments as garments
from .cut_outs import CutOut, cut_out
from .drawn_people import (
    SIZE,
    draw_above,
    draw_below,
    draw_lower,
    draw_upper,
    photo_of,
    sheet,
    stand,
)
from .painting import Box, Canvas, Floats, Layer, Random, Size
from .people_bodies import SIDES, Body, draw_arm, draw_head, draw_neck, set_arm

UPPER = ("t-shirt", "shirt", "longsleeve", "outwear", "dress")
LONG_SLEEVED = ("longsleeve", "outwear")
LOWER = ("pants", "shorts", "skirt")
LABELS = (*UPPER, *LOWER, "shoes", "hat")
# Least and greatest length of a worn class, in shares of the person's height.
LENGTHS = {
    "t-shirt": (0.33, 0.4), "shirt": (0.36, 0.44), "longsleeve": (0.33, 0.43),
    "outwear": (0.36, 0.58), "dress": (0.47, 0.78), "pants": (0.505, 0.545),
    "shorts": (0.15, 0.33), "skirt": (0.17, 0.5),
}  # fmt: skip
# Half the width of a trunk, relative to its length.
WIDEST = 0.37
# Photos are read at this size; more detail would not be visible on the person.
READ = 320
GARMENT = 100  # the owner of its pixels

Warp = Callable[[Floats, Floats], tuple[Floats, Floats]]


def worn_pair(
    image: Image.Image, label: str, seed: int, size: Size = SIZE
) -> tuple[Image.Image, Box] | None:
    """Return a person who wears the garment of a photo, and the box (l, t, r, b) of what is seen.

    Return None if the garment cannot be cut out. The same photo and seed give the same picture.
    """
    small = image.convert("RGB")
    small.thumbnail((READ, READ), Image.Resampling.BOX, reducing_gap=2)
    cut = cut_out(small, label)
    return None if cut is None else wear(cut, label, seed, size)


def wear(cut: CutOut, label: str, seed: int, size: Size = SIZE) -> tuple[Image.Image, Box] | None:
    """Return a person who wears a garment that was cut out, as :func:`worn_pair` does."""
    rng = np.random.default_rng([seed, 202])
    canvas, someone = stand(rng, size)
    {"shoes": wear_shoes, "hat": wear_hat}.get(label, wear_cloth)(canvas, someone, rng, cut, label)
    box = canvas.box_of(GARMENT)
    if box is None or (box[2] - box[0]) * (box[3] - box[1]) < 0.002 * canvas.owner.size:
        return None
    return photo_of(canvas, rng), box


def wear_cloth(canvas: Canvas, someone: Body, rng: Random, cut: CutOut, label: str) -> None:
    """Paint a person who wears a top, a dress, trousers or a skirt of a photo."""
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
    """Paint arms, neck and the garment; a collar closes around the neck, a neckline does not.

    ``bare``: arms without a sleeve in the photo. A class with long sleeves gets drawn ones in its
    colour below the photo's, since sleeves that are folded onto the trunk cannot be seen.
    """
    jacket = label not in ("outwear", "dress") and rng.random() < 0.12
    if jacket:
        part = without_sleeves(part, someone)
    for arm in (0, 1):
        draw_arm(canvas, someone, arm)
        if not jacket and (label in LONG_SLEEVED or (bare[arm] and label == "shirt")):
            draw_sleeve(canvas, someone, rng, arm, part)
    closed = label in ("shirt", "outwear")
    if closed:
        draw_neck(canvas, someone)
    put(canvas, part, someone)
    if not closed:
        draw_neck(canvas, someone, dip=float(rng.uniform(0, 1)))
    if jacket:
        garments.draw_outwear(canvas, someone, rng, 50, opened=True)


def draw_sleeve(canvas: Canvas, someone: Body, rng: Random, arm: int, part: Layer) -> None:
    """Draw a sleeve in the colour of a garment."""
    assert part.texture is not None
    middle = np.median(part.texture[part.alpha > 0.9], axis=0)
    red, green, blue = np.nan_to_num(middle).astype(int).tolist()
    made = garments.Cloth(colour=(red, green, blue), fill=garments.plain((red, green, blue)))
    shapes = garments.sleeve(someone, arm, float(rng.uniform(0.9, 1)), 0.6)
    garments.sew(canvas, made, shapes, GARMENT, someone.unit * 1.4)


def without_sleeves(part: Layer, someone: Body) -> Layer:
    """Return the part of a garment between the sleeves, as seen under a jacket."""
    places = np.arange(part.box[0], part.box[2]) - someone.neck[0]
    inner = np.abs(places) < 7 * someone.wide * someone.unit
    return Layer(box=part.box, alpha=part.alpha * inner, texture=part.texture)


def wear_shoes(canvas: Canvas, someone: Body, rng: Random, cut: CutOut, label: str) -> None:
    """Paint a person with the pair of shoes of a photo."""
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
    """Paint a person with the hat of a photo."""
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
    """Paint a photo's garment, shaded by the scene's light."""
    canvas.put(part, owner=GARMENT, round_by=someone.unit * 2.5, depth=0.25, folds=0.05)


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Measures of a flat garment in pixels: its middle column and half its trunk's width.

    ``sleeves``: distance of the left and right sleeve's end from the trunk and from the top.
    """

    middle: float
    trunk: float
    sleeves: list[tuple[float, float]]


def measure(alpha: Floats) -> Measures:
    """Measure a garment's trunk and sleeves.

    A sleeve extends beyond the trunk in the upper half, or is separated from it by a gap, or runs
    beside it for most of its length.
    """
    mask = alpha > 0.5
    height, width = mask.shape
    columns, rows = np.arange(width), np.arange(height)[:, None]
    middle = float(np.nonzero(mask)[1].mean()) if mask.any() else width / 2
    left, right = runs(mask, int(middle))
    halves = ((right - left) / 2)[int(height * 0.5) : int(height * 0.88)]
    trunk = float(np.percentile(halves[halves > 0], 20)) if (halves > 0).any() else width / 2
    # Ignore sleeves that touch the trunk, which would make it too wide.
    trunk = min(trunk, WIDEST * height)
    loose = (columns < left[:, None]) | (columns >= right[:, None]) | (rows < 0.5 * height)
    sleeves = []
    for side in SIDES:
        far = (columns - middle) * side - trunk
        beyond = mask & (far > 0.06 * trunk)
        attached = beyond.any(1).mean() > 0.6
        found_rows, places = np.nonzero(beyond if attached else beyond & loose)
        out = far[places]
        if len(out) < 0.004 * mask.size or out.max() < 0.12 * trunk:
            sleeves.append((0.0, 0.0))
            continue
        away = out + 0.7 * found_rows
        end = away >= np.percentile(away, 90)
        sleeves.append((float(out[end].mean()), float(found_rows[end].mean())))
    return Measures(middle=middle, trunk=trunk, sleeves=sleeves)


def runs(mask: NDArray[np.bool_], middle: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each row's run of True around a column starts and ends (h,), equal if none."""
    width = mask.shape[1]
    gap = ~mask
    before, after = gap[:, middle::-1], gap[:, middle:]
    left = np.where(before.any(1), middle - before.argmax(1) + 1, 0)
    right = np.where(after.any(1), middle + after.argmax(1), width)
    return left, np.maximum(left, right)


def place_upper(
    size: Size, someone: Body, rng: Random, cut: CutOut, label: str
) -> tuple[Layer, list[bool]]:
    """Place a top or dress on the shoulders, and pose the arms along its sleeves.

    Also return which arms have no sleeve.
    """
    u, high = someone.unit, cut.alpha.shape[0]
    found = measure(cut.alpha)
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
    """Return the transform that turns down a sleeve which ends ``far`` out and ``low`` down.

    (squeeze across, drop per pixel out, new distance out, new distance down); its length is kept.
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
    """Pose an arm inside the sleeve that ends at ``end``."""
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
    """Place trousers or a skirt on the hips, and move the legs into it."""
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
    """Move knees and ankles to where the legs of the garment are."""
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
    """Return a garment stretched over a box (x, y, w, h) in pixels."""
    x0, y0, across, down = box
    height, width = cut.alpha.shape
    return sampled(
        size, cut, box, lambda x, y: ((x - x0) * width / across, (y - y0) * height / down)
    )


def sampled(size: Size, cut: CutOut, box: tuple[float, float, float, float], warp: Warp) -> Layer:
    """Return the pixels of a box (x, y, w, h), sampled from the cut-out through ``warp``.

    ``warp`` maps positions in the picture to positions in the cut-out, both in pixels.
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


def main(argv: list[str] | None = None) -> None:
    """Draw a sheet of garments, each beside the person who wears it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="photos, a folder per class")
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    parser.add_argument("--count", type=int, default=20, help="photos tried")
    parser.add_argument("--seed", type=int, default=0, help="of the first one")
    args = parser.parse_args(argv)
    classes = [label for label in LABELS if (args.data / label).is_dir()]
    rng = np.random.default_rng(args.seed)
    made: list[Image.Image] = []
    for k in range(args.count):
        label = classes[k % len(classes)]
        paths = sorted(p for p in (args.data / label).iterdir() if p.suffix in ACCEPTED_SUFFIXES)
        image = open_photo(paths[int(rng.integers(len(paths)))].read_bytes()).image
        pair = worn_pair(image, label, args.seed + k)
        if pair:
            alone = Image.new("RGB", SIZE)
            image.thumbnail(SIZE)
            alone.paste(image)
            made += [alone, pair[0]]
    print(f"{len(made) // 2} of {args.count} photos could be cut out")
    sheet(made).save(args.out)


if __name__ == "__main__":
    main()
