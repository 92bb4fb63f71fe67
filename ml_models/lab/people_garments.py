"""Draw garments on a body: their cut, cloth, pattern and details."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .painting import Canvas, Floats, Layer, Points, Random, Size, ellipse, layer, limb, rounded
from .people_bodies import SIDES, Body, arm_radii, draw_arm, leg_radii

Colour = tuple[int, int, int]

CLOTH: list[Colour] = [
    (24, 24, 28), (238, 236, 232), (128, 130, 134), (30, 38, 74), (52, 84, 148), (120, 160, 206),
    (168, 34, 42), (108, 26, 44), (226, 120, 40), (236, 196, 62), (44, 92, 60), (120, 132, 76),
    (150, 110, 76), (206, 178, 140), (228, 150, 172), (128, 84, 148), (60, 150, 150), (94, 66, 50),
    (70, 74, 80), (196, 206, 214),
]  # fmt: skip
DENIM: list[Colour] = [(44, 58, 92), (72, 96, 140), (128, 150, 182), (34, 36, 44), (96, 116, 150)]
LEATHER: list[Colour] = [(34, 28, 26), (92, 58, 38), (142, 94, 58), (28, 28, 32), (188, 150, 112)]
SOLES: list[Colour] = [(240, 240, 238), (30, 28, 28), (150, 110, 76), (222, 214, 200)]


@dataclass(frozen=True, kw_only=True)
class Cloth:
    """A colour, and the function that fills a size (w, h) with its pattern, (h, w, 3)."""

    colour: Colour
    fill: Callable[[Size], Floats]
    folds: float = 0.07


def pick(rng: Random, colours: list[Colour], by: int = 14) -> Colour:
    """Return a random variation of one of the colours."""
    chosen = np.array(colours[int(rng.integers(len(colours)))])
    red, green, blue = (chosen + rng.integers(-by, by + 1, 3)).clip(8, 246).tolist()
    return red, green, blue


def plain(colour: Colour) -> Callable[[Size], Floats]:
    """Return a cloth of one colour."""
    return lambda size: np.full((size[1], size[0], 3), colour, np.float32)


def cloth(rng: Random, unit: float, colours: list[Colour] = CLOTH, fancy: float = 0.4) -> Cloth:
    """Return cloth: plain, or with probability ``fancy`` striped, checked, dotted or printed.

    The main colour covers more than half of a pattern.
    """
    colour = pick(rng, colours)
    if rng.random() >= fancy:
        return Cloth(colour=colour, fill=plain(colour), folds=float(rng.uniform(0.04, 0.1)))
    other = pick(rng, CLOTH)
    kind = ("stripes", "pinstripes", "checks", "dots", "flowers")[int(rng.integers(5))]
    step = max(4.0, unit * float(rng.uniform(2.2, 5)))
    phase, thin = float(rng.uniform(0, 9)), float(rng.uniform(0.15, 0.42))
    spots = rng.random((90, 3), np.float32)

    def fill(size: Size) -> Floats:
        across, down = np.arange(size[0])[None, :] + phase, np.arange(size[1])[:, None] + phase
        made = np.empty((size[1], size[0], 3), np.float32)
        made[:] = colour
        if kind == "flowers":
            return flowers(made, other, spots, unit)
        x, y = across % step / step, down % step / step
        share = {
            "stripes": np.broadcast_to(y < thin, made.shape[:2]) * 1.0,
            "pinstripes": np.broadcast_to(x < 0.2, made.shape[:2]) * 0.8,
            "checks": 0.55 * (x < thin) + 0.35 * (y < thin),
            "dots": ((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.06) * 1.0,
        }[kind]
        made += share[..., None].astype(np.float32) * (np.array(other, np.float32) - made)
        return made

    return Cloth(colour=colour, fill=fill, folds=float(rng.uniform(0.03, 0.08)))


def flowers(made: Floats, other: Colour, spots: Floats, unit: float) -> Floats:
    """Scatter small blossoms over a cloth."""
    image = Image.fromarray(made.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for x, y, r in (spots * (image.width, image.height, 1)).tolist():
        radius = unit * (0.45 + 0.55 * r)
        fill = other if r < 0.8 else (236, 230, 210)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
    return np.asarray(image, np.float32)


def covered(part: Layer | None, made: Cloth) -> Layer | None:
    """Return a layer with the cloth as its texture."""
    if part is None:
        return None
    size = (part.box[2] - part.box[0], part.box[3] - part.box[1])
    return Layer(box=part.box, alpha=part.alpha, texture=made.fill(size))


def sew(canvas: Canvas, made: Cloth, shapes: list[Points], owner: int, round_by: float) -> None:
    """Paint outlines in a cloth."""
    part = covered(layer(canvas.size, shapes), made)
    canvas.put(part, owner=owner, round_by=round_by, folds=made.folds)


def trunk(person: Body, hem: float, ease: float, flare: float = 0.0) -> Points:
    """Return the outline of a top without sleeves, down to ``hem`` (shares of the height)."""
    u, wide = person.unit, person.wide
    low = person.at(0, hem)[1]
    waist = (7.4 * wide + ease) * u
    bottom = (8.6 * wide + ease + flare) * u
    left, right = person.shoulders
    return rounded([
        person.neck + (-2.7 * u, -1 * u), person.neck + (-4.4 * u, -0.2 * u),
        left + (-0.4 * u, -1 * u), left + (-1.6 * u, 0.6 * u),
        left + (-1.2 * u - ease * 0.3 * u, 5 * u),
        left + (0.2 * u - ease * 0.6 * u, 9 * u), person.waist + (-waist, 0),
        (person.waist[0] - bottom, low), (person.waist[0] - bottom, low),
        (person.waist[0] + bottom, low), (person.waist[0] + bottom, low),
        person.waist + (waist, 0), right + (-0.2 * u + ease * 0.6 * u, 9 * u),
        right + (1.2 * u + ease * 0.3 * u, 5 * u),
        right + (1.6 * u, 0.6 * u), right + (0.4 * u, -1 * u),
        person.neck + (4.4 * u, -0.2 * u), person.neck + (2.7 * u, -1 * u),
        person.neck + (0, 1.4 * u),
    ])  # fmt: skip


def sleeve(person: Body, arm: int, share: float, ease: float) -> list[Points]:
    """Return the outlines of a sleeve that covers ``share`` of the arm."""
    u = person.unit
    shoulder, elbow = person.shoulders[arm], person.elbows[arm]
    thick = [radius + ease * u for radius in arm_radii(person)]
    start = shoulder + (-SIDES[arm] * 1.2 * u, 1.6 * u)
    if share <= 0.5:
        end = start + (elbow - start) * share * 2
        return limb([start, end], [thick[0], thick[0] * 1.05])
    end = elbow + (person.wrists[arm] - elbow) * (share - 0.5) * 2
    return limb([start, elbow, end], [thick[0], thick[1], thick[2] + 0.3 * u])


def draw_top(
    canvas: Canvas, person: Body, rng: Random, label: str, owner: int, under: bool = False
) -> Colour:
    """Draw a t-shirt, shirt or longsleeve, and the arms; ``under`` a jacket, without them."""
    u = person.unit
    made = cloth(rng, u)
    ease = float(rng.uniform(0.1, 1.9))
    hem = float(rng.uniform(0.47, 0.53))
    share = {"t-shirt": rng.uniform(0.22, 0.46), "longsleeve": rng.uniform(0.85, 1)}.get(label)
    if share is None:
        share = rng.uniform(0.88, 1) if rng.random() < 0.65 else rng.uniform(0.36, 0.48)
    if label == "t-shirt" and rng.random() < 0.15:
        share = 0.0
    sew(canvas, made, [trunk(person, hem, ease)], owner, u * 3)
    if label == "shirt":
        placket(canvas, person, rng, made, hem, owner)
    elif rng.random() < 0.35:
        print_on(canvas, person, rng, owner)
    if not under:
        for arm in (0, 1):
            draw_sleeve(canvas, person, arm, float(share), ease, made, owner)
    return made.colour


def draw_sleeve(
    canvas: Canvas, person: Body, arm: int, share: float, ease: float, made: Cloth, owner: int
) -> None:
    """Draw an arm and the sleeve over it, with a shadow on what is behind."""
    u = person.unit
    chain = [person.shoulders[arm] + (0, 4 * u), person.elbows[arm], person.wrists[arm]]
    shadow = layer(canvas.size, limb(chain, [1.8 * u, 1.9 * u, 1.7 * u]), soft=u)
    canvas.shade(shadow, 0.28)
    draw_arm(canvas, person, arm)
    if share:
        sew(canvas, made, sleeve(person, arm, share, 0.35 + ease * 0.35), owner, u * 1.4)


def placket(canvas: Canvas, person: Body, rng: Random, made: Cloth, hem: float, owner: int) -> None:
    """Draw a collar, a row of buttons and perhaps a pocket."""
    u, neck = person.unit, person.neck
    low = person.at(0, hem)[1]
    dark = np.array(made.colour) * 0.72
    middle = neck[0] + person.turned * 1.4 * u
    strip = np.array([(middle - 0.9 * u, neck[1]), (middle + 0.9 * u, neck[1]),
                      (middle + 0.9 * u, low - u), (middle - 0.9 * u, low - u)])  # fmt: skip
    canvas.put(layer(canvas.size, [strip]), np.array(made.colour) * 0.94, owner=owner)
    edge = strip.copy()
    edge[[0, 3], 0] = middle + 0.55 * u
    canvas.put(layer(canvas.size, [edge]), dark, owner=owner)
    for y in np.arange(neck[1] + 3 * u, low - 2 * u, 4.6 * u):
        button = ellipse((middle, y), 0.45 * u, 0.45 * u)
        canvas.put(layer(canvas.size, [button]), (232, 228, 220), owner=owner)
    if rng.random() < 0.5:
        x, y = person.shoulders[1] + (-4.5 * u, 7.5 * u)
        pocket = np.array([(x - 2 * u, y), (x + 2 * u, y), (x + 2 * u, y + 4 * u),
                           (x - 2 * u, y + 4 * u)])  # fmt: skip
        canvas.shade(layer(canvas.size, [pocket]), 0.1)


def collar(canvas: Canvas, person: Body, colour: Colour, owner: int) -> None:
    """Draw a shirt's collar; call it after the neck."""
    u, neck = person.unit, person.neck
    for side in SIDES:
        wing = np.array([
            neck + (side * 2.9 * u, -1.6 * u), neck + (side * 3.8 * u, 1.2 * u),
            neck + (side * 1.6 * u, 4.2 * u), neck + (side * 0.4 * u, 2.2 * u),
        ])  # fmt: skip
        canvas.put(layer(canvas.size, [wing]), np.array(colour) * 1.03, owner=owner, round_by=u)


def print_on(canvas: Canvas, person: Body, rng: Random, owner: int) -> None:
    """Draw a print on the chest: a disc, a bar or a few letters' worth of blocks."""
    u = person.unit
    centre = person.at(0.012 * person.turned, float(rng.uniform(0.27, 0.31)))
    colour = pick(rng, CLOTH)
    kind = int(rng.integers(3))
    if kind == 0:
        shapes = [ellipse(centre, rng.uniform(2, 4) * u, rng.uniform(2, 4) * u)]
    elif kind == 1:
        shapes = [ellipse(centre + (k * 2 * u, 0), 0.8 * u, 1.3 * u) for k in (-2, -1, 0, 1, 2)]
    else:
        points = centre + rng.normal(0, 2.6 * u, (9, 2))
        shapes = [rounded(points[np.argsort(np.arctan2(*(points - centre).T))])]
    canvas.put(layer(canvas.size, shapes), colour, owner=owner, folds=0.06)


def draw_outwear(canvas: Canvas, person: Body, rng: Random, owner: int, opened: bool) -> Colour:
    """Draw a jacket, blazer, coat or parka, open or closed, and the arms."""
    u = person.unit
    made = cloth(rng, u, CLOTH + LEATHER, fancy=0.15)
    ease, hem = float(rng.uniform(1.2, 2.8)), float(rng.choice([0.5, 0.53, 0.6, 0.68]))
    whole = trunk(person, hem, ease, flare=float(rng.uniform(0, 1.5)) + 4 * max(0, hem - 0.5))
    middle = person.neck[0] + person.turned * 1.6 * u
    part = layer(canvas.size, [whole])
    if part is not None and opened:
        gap = np.array([
            person.neck + (-1.5 * u, -1 * u), person.neck + (1.5 * u, -1 * u),
            (middle + rng.uniform(2.5, 5) * u, person.at(0, 0.4)[1]),
            (middle + rng.uniform(2, 6) * u, person.at(0, hem + 0.03)[1]),
            (middle - rng.uniform(2, 6) * u, person.at(0, hem + 0.03)[1]),
            (middle - rng.uniform(2.5, 5) * u, person.at(0, 0.4)[1]),
        ])  # fmt: skip
        hole = np.zeros((canvas.size[1], canvas.size[0]), np.float32)
        cut = layer(canvas.size, [gap])
        if cut is not None:
            hole[cut.box[1] : cut.box[3], cut.box[0] : cut.box[2]] = cut.alpha
        left, top, right, bottom = part.box
        part = Layer(box=part.box, alpha=part.alpha * (1 - hole[top:bottom, left:right]))
    canvas.put(covered(part, made), owner=owner, round_by=u * 2.5, folds=made.folds)
    dark = np.array(made.colour) * 0.6
    if not opened:
        zip_line = np.array([(middle - 0.3 * u, person.neck[1]), (middle + 0.3 * u, person.neck[1]),
                             (middle + 0.3 * u, person.at(0, hem)[1] - u),
                             (middle - 0.3 * u, person.at(0, hem)[1] - u)])  # fmt: skip
        canvas.put(layer(canvas.size, [zip_line]), dark, owner=owner)
    for side in SIDES:
        lapel = rounded([
            person.neck + (side * 3 * u, -1.6 * u), person.neck + (side * 4.6 * u, 2 * u),
            (middle + side * 3.8 * u, person.at(0, 0.28)[1]),
            (middle + side * 1.8 * u, person.at(0, 0.31)[1]),
            person.neck + (side * 1.8 * u, 2 * u),
        ], 1)  # fmt: skip
        canvas.put(
            layer(canvas.size, [lapel]), np.array(made.colour) * 0.9, owner=owner, round_by=u
        )
        pocket = ellipse(
            (middle + side * 6 * u, person.at(0, min(hem - 0.05, 0.5))[1]), 2.4 * u, 0.4 * u
        )
        canvas.shade(layer(canvas.size, [pocket]), 0.3)
    for arm in (0, 1):
        draw_sleeve(canvas, person, arm, float(rng.uniform(0.9, 1)), ease, made, owner)
    return made.colour


def draw_trousers(canvas: Canvas, person: Body, rng: Random, label: str, owner: int) -> Colour:
    """Draw pants or shorts."""
    u = person.unit
    denim = rng.random() < 0.45
    made = cloth(rng, u, DENIM if denim else CLOTH, fancy=0.05 if denim else 0.25)
    ease = float(rng.uniform(0.1, 2.2))
    hip, knee, ankle = (radius + ease * u * 0.5 for radius in leg_radii(person))
    hips = rounded([
        person.at(-0.074 * person.wide, 0.425), person.at(0.074 * person.wide, 0.425),
        person.hips[1] + (hip * 0.95, 3 * u), person.crotch + (0, 3 * u),
        person.hips[0] + (-hip * 0.95, 3 * u),
    ])  # fmt: skip
    sew(canvas, made, [hips], owner, u * 2)
    share = 1.0 if label == "pants" else float(rng.uniform(0.35, 0.95))
    for leg in (0, 1):
        start = person.hips[leg] + (0, 1.5 * u)
        if label == "pants":
            low = person.ankles[leg] + (0, float(rng.uniform(-1.5, 1)) * u)
            width = ankle + ease * u * float(rng.uniform(0.1, 0.9))
            shapes = limb([start, person.knees[leg], low], [hip, knee, width])
        else:
            low = start + (person.knees[leg] - start) * share
            shapes = limb([start, low], [hip, hip * 0.92 + ease * u * 0.3])
        part = layer(canvas.size, shapes)
        canvas.put(covered(part, made), owner=owner, round_by=u * 1.8, folds=made.folds)
    belt = np.stack([person.at(x * person.wide, y) for x, y in
                     ((-0.072, 0.426), (0.072, 0.426), (0.073, 0.44), (-0.073, 0.44))])  # fmt: skip
    canvas.put(layer(canvas.size, [belt]), np.array(made.colour) * 0.78, owner=owner)
    return made.colour


def draw_skirt(
    canvas: Canvas, person: Body, rng: Random, owner: int, made: Cloth | None = None
) -> Colour:
    """Draw a skirt from narrow to wide, from short to long; with ``made``, a dress's."""
    u = person.unit
    made = made or cloth(rng, u)
    hem, flare = float(rng.uniform(0.62, 0.9)), float(rng.uniform(-0.5, 7))
    wide = person.wide
    low, mid = person.at(0, hem)[1], person.waist[0]
    width = (8.8 * wide + flare) * u
    wave = rng.normal(0, 0.5, 5) * u
    outline = rounded([
        person.at(-0.07 * wide, 0.41), person.at(0.07 * wide, 0.41),
        person.hips[1] + (4.4 * u + flare * 0.2 * u, 2 * u), (mid + width, low + wave[0]),
        (mid + width, low + wave[0]), (mid + width * 0.5, low + u + wave[1]),
        (mid, low + u + wave[2]), (mid - width * 0.5, low + u + wave[3]),
        (mid - width, low + wave[4]), (mid - width, low + wave[4]),
        person.hips[0] + (-4.4 * u - flare * 0.2 * u, 2 * u),
    ])  # fmt: skip
    sew(canvas, made, [outline], owner, u * 3)
    for x in rng.uniform(-0.8, 0.8, int(1 + max(0, flare))):
        top, end = (mid + x * 6 * u * wide, person.at(0, 0.5)[1]), mid + x * width
        fold = np.array([top, (end + 0.7 * u, low), (end - 0.7 * u, low)])
        canvas.shade(layer(canvas.size, [fold], soft=0.5 * u), 0.16)
    return made.colour


def draw_dress(canvas: Canvas, person: Body, rng: Random, owner: int) -> Colour:
    """Draw a dress with or without sleeves, and the arms."""
    u = person.unit
    made = cloth(rng, u, fancy=0.5)
    draw_skirt(canvas, person, rng, owner, made)
    ease = float(rng.uniform(-0.2, 1))
    sew(canvas, made, [trunk(person, 0.46, ease)], owner, u * 3)
    if rng.random() < 0.4:
        corners = ((-0.078, 0.395), (0.078, 0.395), (0.08, 0.415), (-0.08, 0.415))
        belt = np.stack([person.at(x * person.wide, y) for x, y in corners])
        canvas.shade(layer(canvas.size, [belt]), 0.35)
    share = float(rng.choice([0, 0, 0.25, 0.4, 0.95]))
    for arm in (0, 1):
        draw_sleeve(canvas, person, arm, share, ease, made, owner)
    return made.colour


def draw_shoes(canvas: Canvas, person: Body, rng: Random, owner: int) -> Colour:
    """Draw a pair of sneakers, shoes or boots."""
    u = person.unit
    boots = rng.random() < 0.3
    colour = pick(rng, CLOTH + LEATHER)
    sole = pick(rng, SOLES)
    for leg, side in enumerate(SIDES):
        ankle = person.ankles[leg]
        aim = np.clip(side * 0.35 + person.turned, -1, 1)
        toe = ankle + (aim * 3.6 * u, 3.4 * u)
        under = limb([ankle + (-aim * 0.8 * u, 3 * u), toe + (0, 0.2 * u)], [1.9 * u, 2.1 * u])
        canvas.shade(
            layer(canvas.size, [ellipse(ankle + (0, 4.6 * u), 5 * u, 1.4 * u)], soft=u), 0.4
        )
        canvas.put(layer(canvas.size, [shape + (0, 0.7 * u) for shape in under]), sole, owner=owner)
        shapes = limb([ankle + (-aim * 0.8 * u, 2.2 * u), toe], [2 * u, 2 * u])
        if boots:
            shapes += limb([ankle + (0, -6 * u), ankle + (0, 2 * u)], [2.5 * u, 2.2 * u])
        else:
            shapes += limb([ankle, ankle + (0, 2 * u)], [1.9 * u, 2.1 * u])
        canvas.put(layer(canvas.size, shapes), colour, owner=owner, round_by=u * 1.3, depth=0.5)
        if rng.random() < 0.6 and not boots:
            for k in (0.2, 0.45, 0.7):
                lace = ellipse(ankle + (toe - ankle) * k + (0, 0.1 * u), 1 * u, 0.25 * u)
                canvas.put(layer(canvas.size, [lace]), sole, owner=owner)
    return colour


def draw_hat(canvas: Canvas, person: Body, rng: Random, owner: int) -> Colour:
    """Draw a cap, a beanie or a hat with a brim."""
    u, head = person.unit, person.head
    made = cloth(rng, u, CLOTH + LEATHER, fancy=0.15)
    kind = int(rng.integers(3))
    top = (8.6, 9.6, 10.2)[kind] * u
    crown = rounded([
        head + (-5 * u, -2.6 * u), head + (-5 * u, -6 * u), head + (-3.4 * u, -top),
        head + (3.4 * u, -top), head + (5 * u, -6 * u), head + (5 * u, -2.6 * u),
    ], 2)  # fmt: skip
    sew(canvas, made, [crown], owner, u * 1.8)
    if kind == 0:
        side = 1 if person.turned > 0 else -1
        brim = ellipse(head + (side * abs(person.turned) * 3 * u, -2.7 * u), 5.4 * u, 1.5 * u)
    elif kind == 1:
        brim = np.array([head + (-5.1 * u, -4.6 * u), head + (5.1 * u, -4.6 * u),
                         head + (5.1 * u, -2.2 * u), head + (-5.1 * u, -2.2 * u)])  # fmt: skip
    else:
        brim = ellipse(head + (0, -3.2 * u), 8.4 * u, 1.7 * u)
    part = layer(canvas.size, [brim])
    canvas.put(part, np.array(made.colour) * 0.86, owner=owner, round_by=u)
    return made.colour


def draw_bag(canvas: Canvas, person: Body, rng: Random, owner: int) -> Colour:
    """Draw a bag in a hand, or on a strap over the chest."""
    u = person.unit
    colour = pick(rng, CLOTH + LEATHER)
    arm = int(rng.integers(2))
    if rng.random() < 0.5:
        hand = person.wrists[arm] + (SIDES[arm] * u, 4 * u)
        centre, start, end = hand + (0, 8 * u), hand + (-2 * u, 5 * u), hand + (2 * u, 5 * u)
        handles = [limb([hand, start], [0.4 * u, 0.4 * u]), limb([hand, end], [0.4 * u, 0.4 * u])]
    else:
        centre = person.hips[arm] + (SIDES[arm] * 5 * u, 3 * u)
        far = person.shoulders[1 - arm] + (SIDES[arm] * 3 * u, -u)
        handles = [limb([far, centre], [0.5 * u, 0.5 * u])]
    for strap in handles:
        canvas.put(layer(canvas.size, strap), np.array(colour) * 0.8, owner=owner)
    across, down = rng.uniform(4.5, 7.5) * u, rng.uniform(3.5, 6) * u
    sides = rounded(centre + np.array([(-0.9, -1), (0.9, -1), (1, 1), (-1, 1)]) * (across, down), 1)
    canvas.put(layer(canvas.size, [sides]), colour, owner=owner, round_by=u * 1.5, folds=0.06)
    flap = rounded(centre + np.array([(-0.9, -1), (0.9, -1), (0.8, -0.1), (-0.8, -0.1)])
                   * (across, down), 1)  # fmt: skip
    canvas.shade(layer(canvas.size, [flap]), 0.13)
    return colour
