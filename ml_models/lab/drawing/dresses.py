"""Draw dresses on a body."""

from __future__ import annotations

import numpy as np

from .bodies import Body
from .bottoms import draw_skirt
from .cloth import Colour, cloth, sew
from .painting import Canvas, Random, layer
from .tops import draw_sleeve, trunk


def draw_dress(canvas: Canvas, person: Body, rng: Random, owner: int) -> Colour:
    """Draw a dress with or without sleeves and the arms, and return the main colour.

    ``owner``: number that marks the dress's pixels in ``canvas.owner``.
    """
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
