"""Draw jackets, blazers, coats and parkas on a body."""

from __future__ import annotations

import numpy as np

from .bodies import SIDES, Body
from .cloth import CLOTH, LEATHER, Colour, cloth, covered
from .painting import Canvas, Layer, Random, ellipse, layer, rounded
from .tops import draw_sleeve, trunk


def draw_outwear(canvas: Canvas, person: Body, rng: Random, owner: int, opened: bool) -> Colour:
    """Draw a jacket, blazer, coat or parka and the arms, and return the main colour.

    ``owner``: number that marks its pixels in ``canvas.owner``. ``opened``: whether it is worn
    open.
    """
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
