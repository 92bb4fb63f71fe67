"""Draw trousers, shorts and skirts on a body."""

from __future__ import annotations

import numpy as np

from .bodies import Body, leg_radii
from .cloth import CLOTH, DENIM, Cloth, Colour, cloth, covered, sew
from .painting import Canvas, Random, layer, limb, rounded


def draw_trousers(canvas: Canvas, person: Body, rng: Random, label: str, owner: int) -> Colour:
    """Draw trousers (``label`` “pants”) or shorts (any other), and return the main colour.

    ``owner``: number that marks their pixels in ``canvas.owner``.
    """
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
    """Draw a skirt of random width and length, and return the main colour.

    ``owner``: number that marks its pixels in ``canvas.owner``. ``made``: cloth of a dress, of
    which the skirt is the lower part; None: random cloth.
    """
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
