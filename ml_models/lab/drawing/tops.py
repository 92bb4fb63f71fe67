"""Draw t-shirts, shirts and longsleeves on a body, with their details."""

from __future__ import annotations

import numpy as np

from .bodies import SIDES, Body, arm_radii, draw_arm
from .cloth import CLOTH, Cloth, Colour, cloth, pick, sew
from .painting import Canvas, Points, Random, ellipse, layer, limb, rounded


def trunk(person: Body, hem: float, ease: float, flare: float = 0.0) -> Points:
    """Return the outline (N, 2) in pixels of a top without sleeves.

    ``hem``: its lower end as a share of the height, from the crown. ``ease`` and ``flare``: extra
    width, of all and of the hem, in hundredths of the height.
    """
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
    """Return outlines of a sleeve on an arm (0 left, 1 right) that covers ``share`` of it, 0…1.

    ``ease``: extra thickness, in hundredths of the body's height.
    """
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
    """Draw a t-shirt, shirt or longsleeve and the arms, and return the main colour.

    ``owner``: number that marks its pixels in ``canvas.owner``. ``under``: a jacket comes over it,
    so leave out arms and sleeves.
    """
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
    """Draw an arm (0 left, 1 right) with its shadow, and a sleeve over ``share`` of it, 0…1.

    ``ease``: extra thickness, in hundredths of the body's height. ``made``: the cloth. ``owner``:
    number that marks the sleeve's pixels in ``canvas.owner``.
    """
    u = person.unit
    chain = [person.shoulders[arm] + (0, 4 * u), person.elbows[arm], person.wrists[arm]]
    shadow = layer(canvas.size, limb(chain, [1.8 * u, 1.9 * u, 1.7 * u]), soft=u)
    canvas.shade(shadow, 0.28)
    draw_arm(canvas, person, arm)
    if share:
        sew(canvas, made, sleeve(person, arm, share, 0.35 + ease * 0.35), owner, u * 1.4)


def placket(canvas: Canvas, person: Body, rng: Random, made: Cloth, hem: float, owner: int) -> None:
    """Draw a shirt's button strip, and perhaps a pocket.

    ``made``: the shirt's cloth. ``hem``: its lower end, as a share of the height from the crown.
    ``owner``: number that marks its pixels in ``canvas.owner``.
    """
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
    """Draw a shirt's collar; call it after drawing the neck.

    ``owner``: number that marks the shirt's pixels in ``canvas.owner``.
    """
    u, neck = person.unit, person.neck
    for side in SIDES:
        wing = np.array([
            neck + (side * 2.9 * u, -1.6 * u), neck + (side * 3.8 * u, 1.2 * u),
            neck + (side * 1.6 * u, 4.2 * u), neck + (side * 0.4 * u, 2.2 * u),
        ])  # fmt: skip
        canvas.put(layer(canvas.size, [wing]), np.array(colour) * 1.03, owner=owner, round_by=u)


def print_on(canvas: Canvas, person: Body, rng: Random, owner: int) -> None:
    """Draw a random print on the chest: a disc, a row of dots or a blot.

    ``owner``: number that marks the top's pixels in ``canvas.owner``.
    """
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
