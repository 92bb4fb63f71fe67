"""Draw bodies in random poses, with all skin tones and many kinds of hair.

Points are (x, y) in pixels of the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .painting import Canvas, Points, Random, Size, ellipse, layer, limb, rounded

Colour = tuple[int, int, int]

# The Monk Skin Tone Scale, skintone.google: ten tones, CC BY 4.0.
MONK: list[Colour] = [
    (246, 237, 228), (243, 231, 219), (247, 234, 208), (234, 218, 186), (215, 189, 150),
    (160, 126, 86), (130, 92, 67), (96, 65, 52), (58, 49, 42), (41, 36, 32),
]  # fmt: skip
HAIR: list[Colour] = [
    (24, 20, 20), (44, 30, 24), (70, 46, 32), (104, 72, 46), (150, 110, 66), (206, 174, 118),
    (140, 62, 34), (150, 148, 146), (216, 214, 210), (36, 30, 40),
]  # fmt: skip
STYLES = ("short", "long", "bob", "afro", "bun", "curly", "ponytail", "shaved", "bald")

SIDES = (-1, 1)


@dataclass(kw_only=True)
class Body:
    """The pose and looks of a body; joints are (2,) in pixels, the left one in the picture first.

    ``height``: crown to soles, pixels. ``turned``: how far the chest is turned aside, -1 to 1.
    ``wide``: breadth of the body, 1 on average. ``style``: a hair style of :data:`STYLES`.
    """

    height: float
    wide: float
    turned: float
    skin: Colour
    hair: Colour
    style: str
    head: Points
    neck: Points
    waist: Points
    crotch: Points
    shoulders: list[Points]
    elbows: list[Points]
    wrists: list[Points]
    hips: list[Points]
    knees: list[Points]
    ankles: list[Points]

    def at(self, across: float, down: float) -> Points:
        """Return the point ``across`` right of the neck and ``down`` below the crown.

        Both are shares of the height.
        """
        top = self.head[1] - 0.066 * self.height
        return np.array([self.neck[0] + across * self.height, top + down * self.height])

    @property
    def unit(self) -> float:
        """A hundredth of the height, in pixels."""
        return self.height / 100


def body(rng: Random, size: Size) -> Body:
    """Return a body in a random pose, near the middle of a picture of ``size`` (width, height)."""
    height = size[1] * rng.uniform(0.84, 0.94)
    wide = float(np.clip(rng.normal(1.02, 0.13), 0.8, 1.4))
    turned = float(np.clip(rng.normal(0, 0.45), -1, 1))
    middle = size[0] * rng.uniform(0.43, 0.57)
    top = size[1] - height - size[1] * rng.uniform(0.015, 0.05)
    lean = rng.normal(0, 0.012)
    # A body that is turned aside is narrower, and its head and feet point there.
    narrow = wide * (1 - 0.22 * abs(turned))

    def at(across: float, down: float) -> Points:
        return np.array([middle + (across + lean * (1 - down)) * height, top + down * height])

    hips = [at(side * 0.052 * narrow, 0.49) for side in SIDES]
    shoulders = [at(side * 0.089 * narrow + 0.008 * turned, 0.19) for side in SIDES]
    knees, ankles = legs(rng, at, narrow)
    made = Body(
        height=float(height),
        wide=narrow,
        turned=turned,
        skin=tone(rng),
        hair=HAIR[int(rng.integers(len(HAIR)))],
        style=STYLES[int(rng.choice(len(STYLES), p=np.array([5, 4, 2, 2, 2, 2, 1, 1, 1]) / 20))],
        head=at(0.012 * turned, 0.066),
        neck=at(0.004 * turned, 0.158),
        waist=at(0, 0.4),
        crotch=at(0, 0.525),
        shoulders=shoulders,
        elbows=[shoulder.copy() for shoulder in shoulders],
        wrists=[shoulder.copy() for shoulder in shoulders],
        hips=hips,
        knees=knees,
        ankles=ankles,
    )
    for arm in (0, 1):
        pose_arm(rng, made, arm)
    return made


def tone(rng: Random) -> Colour:
    """Return a random RGB skin colour, uniformly distributed over the Monk Skin Tone Scale."""
    place = rng.uniform(0, len(MONK) - 1)
    low, share = int(place), place - int(place)
    mixed = np.array(MONK[low]) * (1 - share) + np.array(MONK[min(low + 1, 9)]) * share
    red, green, blue = (mixed * (0.95, 0.92, 0.9)).astype(int).tolist()
    return red, green, blue


def legs(
    rng: Random, at: Callable[[float, float], Points], narrow: float
) -> tuple[list[Points], list[Points]]:
    """Return (knees, ankles) of a random stance: feet together, apart, walking or crossed.

    ``at(across, down)`` converts shares of the body's height to pixels. ``narrow``: breadth of the
    body, 1 on average.
    """
    kind = rng.choice(4, p=[0.45, 0.25, 0.2, 0.1])
    spread = (0.045, 0.085, 0.05, -0.015)[kind] * narrow * rng.uniform(0.8, 1.2)
    behind = [0.0, 0.0]
    if kind == 2:
        behind[int(rng.integers(2))] = float(rng.uniform(0.02, 0.05))
    knees, ankles = [], []
    for leg, side in enumerate(SIDES):
        out = rng.normal(0, 0.006)
        knee = side * (0.05 * narrow + spread) / 2 + out
        knees.append(at(knee, 0.725 - behind[leg] / 2))
        ankles.append(at(side * spread + out, 0.955 - behind[leg]))
    return knees, ankles


def pose_arm(rng: Random, made: Body, arm: int) -> None:
    """Pose an arm (0 left, 1 right) at random.

    It hangs, rests on the hip, crosses the belly, or reaches for a pocket or the head.
    """
    kind = rng.choice(5, p=[0.5, 0.17, 0.15, 0.13, 0.05])
    upper, fore = {
        0: (rng.uniform(4, 16), rng.uniform(0, 12)),
        1: (rng.uniform(34, 48), rng.uniform(-48, -36)),
        2: (rng.uniform(8, 20), rng.uniform(-80, -55)),
        3: (rng.uniform(14, 26), rng.uniform(-22, -8)),
        4: (rng.uniform(30, 55), rng.uniform(-190, -160)),
    }[int(kind)]
    set_arm(made, arm, upper, fore)


def set_arm(made: Body, arm: int, upper: float, fore: float) -> None:
    """Set elbow and wrist of an arm (0 left, 1 right) by two angles.

    ``upper``, ``fore``: of upper arm and forearm, in degrees from straight down; positive ones
    point away from the body.
    """
    for degrees, joints, start, long in (
        (upper, made.elbows, made.shoulders[arm], 0.165),
        (fore, made.wrists, made.elbows[arm], 0.15),
    ):
        angle = np.radians(degrees)
        step = np.array([SIDES[arm] * np.sin(angle), np.cos(angle)]) * long * made.height
        joints[arm] = start + step
        start = joints[arm]


def arm_radii(made: Body) -> tuple[float, float, float]:
    """Return half the thickness of an arm at shoulder, elbow and wrist, in pixels."""
    build = made.unit * (0.5 + 0.5 * made.wide)
    return 2.2 * build, 1.75 * build, 1.25 * build


def leg_radii(made: Body) -> tuple[float, float, float]:
    """Return half the thickness of a leg at hip, knee and ankle, in pixels."""
    build = made.unit * (0.4 + 0.6 * made.wide)
    return 4.9 * build, 3.1 * build, 1.8 * build


def draw_legs(canvas: Canvas, made: Body) -> None:
    radii = leg_radii(made)
    for leg in (0, 1):
        chain = [made.hips[leg], made.knees[leg], made.ankles[leg]]
        part = layer(canvas.size, limb(chain, radii))
        canvas.put(part, made.skin, round_by=made.unit * 2)


def draw_trunk(canvas: Canvas, made: Body) -> None:
    """Draw neck, chest and belly."""
    u, wide = made.unit, made.wide
    outline = rounded([
        made.neck + (-2.6 * u, -3 * u), made.neck + (-3 * u, 0.8 * u),
        made.shoulders[0] + (-0.6 * u, 0.6 * u), made.shoulders[0] + (0.6 * u, 9 * u),
        made.waist + (-7 * u * wide, 0),
        made.hips[0] + (-3.6 * u, 2 * u), made.crotch, made.hips[1] + (3.6 * u, 2 * u),
        made.waist + (7 * u * wide, 0), made.shoulders[1] + (-0.6 * u, 9 * u),
        made.shoulders[1] + (0.6 * u, 0.6 * u), made.neck + (3 * u, 0.8 * u),
        made.neck + (2.6 * u, -3 * u),
    ])  # fmt: skip
    canvas.put(layer(canvas.size, [outline]), made.skin, round_by=u * 3)


def draw_arm(canvas: Canvas, made: Body, arm: int) -> None:
    """Draw an arm (0 left, 1 right) with its hand."""
    u = made.unit
    shoulder, elbow, wrist = made.shoulders[arm], made.elbows[arm], made.wrists[arm]
    along = (wrist - elbow) / max(1e-6, float(np.hypot(*(wrist - elbow))))
    chain = [shoulder + (-SIDES[arm] * 1.2 * u, 1.5 * u), elbow, wrist]
    shapes = limb(chain, arm_radii(made))
    shapes += limb([wrist, wrist + along * 2.4 * u, wrist + along * 4.8 * u],
                   [1.2 * u, 1.7 * u, 0.9 * u])  # fmt: skip
    canvas.put(layer(canvas.size, shapes), made.skin, round_by=u * 1.2)


def draw_neck(canvas: Canvas, made: Body, dip: float = 0.0) -> None:
    """Draw the neck and the skin that a neckline shows.

    ``dip``: how far the neckline reaches below the neck, in hundredths of the body's height.
    """
    u = made.unit
    points = [
        made.head + (-2.3 * u, 3 * u), made.neck + (-2.8 * u, 0.5 * u),
        made.neck + (-2.6 * u, 1.2 * u), made.neck + (0, (1.8 + dip) * u),
        made.neck + (2.6 * u, 1.2 * u), made.neck + (2.8 * u, 0.5 * u),
        made.head + (2.3 * u, 3 * u),
    ]  # fmt: skip
    canvas.put(layer(canvas.size, [rounded(points)]), made.skin, round_by=u * 1.5)
    below = layer(canvas.size, [ellipse(made.head + (0, 5.8 * u), 3 * u, 2.4 * u)], soft=u)
    canvas.shade(below, 0.3)


def draw_hair_behind(canvas: Canvas, made: Body) -> None:
    """Draw the hair that hangs behind head and shoulders."""
    u, head = made.unit, made.head
    shapes: list[Points] = []
    if made.style == "long":
        shapes = [rounded([
            head + (-5 * u, -5 * u), head + (-6.2 * u, 6 * u), head + (-6.6 * u, 17 * u),
            head + (-2 * u, 18 * u), head + (2 * u, 18 * u), head + (6.6 * u, 17 * u),
            head + (6.2 * u, 6 * u), head + (5 * u, -5 * u),
        ])]  # fmt: skip
    elif made.style == "bob":
        shapes = [rounded([
            head + (-5 * u, -5 * u), head + (-6.4 * u, 7.5 * u), head + (6.4 * u, 7.5 * u),
            head + (5 * u, -5 * u),
        ], 2)]  # fmt: skip
    elif made.style == "afro":
        shapes = [ellipse(head + (0, -1.5 * u), 8 * u, 7.6 * u)]
    elif made.style == "bun":
        shapes = [ellipse(head + (0.5 * u, -7.6 * u), 2.6 * u, 2.4 * u)]
    elif made.style == "curly":
        angles = np.linspace(-0.25 * np.pi, 1.25 * np.pi, 13)
        shapes = [
            ellipse(head + (5 * u * np.cos(a), 1.2 * u - 6 * u * np.sin(a)), 2 * u, 2.1 * u)
            for a in angles
        ]
    elif made.style == "ponytail":
        side = 1 if made.turned < 0 else -1
        shapes = limb([head + (side * 4 * u, -4 * u), head + (side * 7 * u, 4 * u),
                       head + (side * 6 * u, 12 * u)], [1.8 * u, 2 * u, 0.7 * u])  # fmt: skip
    if shapes:
        canvas.put(layer(canvas.size, shapes), made.hair, round_by=u * 2, folds=0.12)


def draw_head(canvas: Canvas, made: Body, rng: Random) -> None:
    """Draw a face, its hair, and sometimes a beard or sunglasses."""
    u, head, skin = made.unit, made.head, np.array(made.skin, float)
    aside = made.turned * 1.2 * u
    face = rounded([
        head + (-4.3 * u, -4 * u), head + (-4.3 * u, 1.5 * u), head + (-2.6 * u, 5.6 * u),
        head + (0, 6.9 * u), head + (2.6 * u, 5.6 * u), head + (4.3 * u, 1.5 * u),
        head + (4.3 * u, -4 * u), head + (0, -7 * u),
    ])  # fmt: skip
    for side in SIDES:
        ear = layer(canvas.size, [ellipse(head + (side * 4.1 * u, 0.6 * u), 0.8 * u, 1.4 * u)])
        canvas.put(ear, skin * 0.93)
    part = layer(canvas.size, [face])
    canvas.put(part, skin, round_by=u * 2)
    if made.style not in ("long", "bob", "bun", "ponytail") and rng.random() < 0.35:
        beard = rounded([
            head + (-4 * u, 1.5 * u), head + (-2.6 * u, 6 * u), head + (0, 7.4 * u),
            head + (2.6 * u, 6 * u), head + (4 * u, 1.5 * u), head + (1.5 * u + aside, 2.8 * u),
            head + (-1.5 * u + aside, 2.8 * u),
        ])  # fmt: skip
        canvas.put(layer(canvas.size, [beard]), made.hair, folds=0.1)
    draw_features(canvas, made, rng, aside)
    draw_hair(canvas, made, rng, aside)


def draw_features(canvas: Canvas, made: Body, rng: Random, aside: float) -> None:
    """Draw brows, eyes or sunglasses, nose and mouth, moved ``aside`` pixels to the right."""
    u, head, skin = made.unit, made.head, np.array(made.skin, float)
    glasses = rng.random() < 0.25
    for side in SIDES:
        eye = head + (side * 1.8 * u + aside, -0.2 * u)
        if glasses:
            canvas.put(layer(canvas.size, [ellipse(eye, 1.6 * u, 1.2 * u)]), (22, 22, 26))
            continue
        canvas.put(layer(canvas.size, [ellipse(eye, 0.85 * u, 0.45 * u)]), (226, 222, 216))
        canvas.put(layer(canvas.size, [ellipse(eye, 0.42 * u, 0.45 * u)]), (44, 32, 26))
        brow = ellipse(eye - (0, 1.3 * u), 1.2 * u, 0.28 * u)
        canvas.put(layer(canvas.size, [brow]), np.array(made.hair) * 0.8 + skin * 0.2)
    nose = layer(canvas.size, [ellipse(head + (aside * 1.2, 1.9 * u), 0.7 * u, 0.6 * u)], soft=0.6)
    canvas.shade(nose, 0.2)
    mouth = ellipse(head + (aside, 3.9 * u), 1.35 * u, 0.5 * u)
    canvas.put(layer(canvas.size, [mouth]), skin * (0.82, 0.58, 0.58) + (22, 8, 10))


def draw_hair(canvas: Canvas, made: Body, rng: Random, aside: float) -> None:
    """Draw the hair on top of the head, moved ``aside`` pixels to the right."""
    if made.style == "bald":
        return
    u, head = made.unit, made.head
    low = {"shaved": -2.8, "short": -2.2, "afro": -2.4}.get(made.style, -1.4) * u
    brow = (-3.4 + rng.uniform(0, 1.4)) * u
    part = rng.uniform(-2, 2) * u + aside
    crown = rounded([
        head + (-4.7 * u, low + 1.4 * u), head + (-5 * u, -3.6 * u), head + (-3 * u, -7 * u),
        head + (0, -8 * u), head + (3 * u, -7 * u), head + (5 * u, -3.6 * u),
        head + (4.7 * u, low + 1.4 * u), head + (3.7 * u, brow), head + (part, brow - 1.2 * u),
        head + (-3.7 * u, brow),
    ])  # fmt: skip
    shade = 0.75 if made.style == "shaved" else 1.0
    colour = np.array(made.hair) * shade + np.array(made.skin) * (1 - shade)
    canvas.put(layer(canvas.size, [crown]), colour, round_by=u * 1.6, folds=0.14)
    if made.style == "long":
        for side in SIDES:
            lock = [head + (side * 4.6 * u, -3 * u), head + (side * 5.3 * u, 5 * u),
                    head + (side * 5.6 * u, 14 * u)]  # fmt: skip
            strand = layer(canvas.size, limb(lock, [1 * u, 1.5 * u, 1.1 * u]))
            canvas.put(strand, made.hair, round_by=u, folds=0.14)
