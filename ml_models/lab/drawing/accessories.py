"""Draw shoes, hats and bags on a body."""

from __future__ import annotations

import numpy as np

from .bodies import SIDES, Body
from .cloth import CLOTH, LEATHER, SOLES, Colour, cloth, pick, sew
from .painting import Canvas, Random, ellipse, layer, limb, rounded


def draw_shoes(canvas: Canvas, person: Body, rng: Random, owner: int) -> Colour:
    """Draw a pair of sneakers, shoes or boots, and return the main colour.

    ``owner``: number that marks the shoes' pixels in ``canvas.owner``.
    """
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
    """Draw a cap, a beanie or a hat with a brim, and return the main colour.

    ``owner``: number that marks the hat's pixels in ``canvas.owner``.
    """
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
    """Draw a bag in a hand, or on a strap over the chest, and return the main colour.

    ``owner``: number that marks the bag's pixels in ``canvas.owner``.
    """
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
