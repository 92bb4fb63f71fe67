"""Random views of garments: parts of shop photos, and crops around a box on a person."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .garments import Garments
from .pixels import scale
from .random_numbers import Chance

# Margin of a view around a box, as a share of the box: common to all sides, and per side. Below 0
# the view crops the garment.
MARGIN, MARGIN_OF_SIDE = (-0.05, 0.45), (-0.1, 0.15)
LEAST_MARGIN, MOST_MARGIN = -0.12, 0.6
# Greatest rotation of a view, in degrees.
TURN, TURN_BOXED = 15, 8
# Ranges of random crops of a tagged photo: share of its area, and aspect ratio (width / height).
TAGGED_AREA, TAGGED_ASPECT = (0.03, 0.45), (0.55, 1.6)
# The margin of a box when it is judged, as in :mod:`.boxes`.
JUDGED_MARGIN = 0.08


def garment_views(
    garments: Garments, rows: Tensor, size: int, chance: Chance, *, least: float = 0.3
) -> Tensor:
    """Return a random view of each row (B,): (B, 3, size, size) in [-1, 1].

    A floor photo shows any part of at least the share ``least`` of its area, stretched by up to
    4/3. A garment in a larger photo shows its box with random margins.
    """
    boxed = garments.boxed[rows]
    inside = boxes_around(garments.places[rows], chance)
    anywhere = part(len(rows), least, chance)
    box = torch.where(boxed[:, None], inside, anywhere)
    most = torch.where(boxed, float(TURN_BOXED), float(TURN))
    angle = chance.uniform(-1, 1, len(rows)) * most * math.pi / 180
    theta = affine(box, angle, mirrors(len(rows), chance))
    return change_light(sample(garments.pixels[rows], theta, size), chance)


def tagged_views(pixels: Tensor, size: int, chance: Chance) -> Tensor:
    """Return a random part of each tagged photo (B, 3, 384, 256): (B, 3, size, size)."""
    count, shape = len(pixels), pixels.shape[3] / pixels.shape[2]
    area = between(TAGGED_AREA, count, chance)
    aspect = between(TAGGED_ASPECT, count, chance)
    w = (area * aspect / shape).sqrt().clamp(max=1)
    h = (area / aspect * shape).sqrt().clamp(max=1)
    # People are usually in the middle.
    x = chance.uniform(-1, 1, count) * (1 - w) * 0.8
    y = chance.uniform(-1, 1, count) * (1 - h)
    angle = chance.uniform(-0.12, 0.12, count)
    theta = affine(torch.stack([x, y, w, h], 1), angle, mirrors(count, chance))
    return change_light(sample(pixels, theta, size), chance)


def judged_views(garments: Garments, rows: Tensor, size: int) -> Tensor:
    """Return each row as it is judged: floor photos whole, a box with a margin of 8 %."""
    margins = torch.full((len(rows), 4), JUDGED_MARGIN, device=rows.device)
    box = widened(garments.places[rows], margins)
    zero = torch.zeros(len(rows), device=rows.device)
    # Sample at twice the size, then halve, to avoid aliasing of larger crops.
    return F.avg_pool2d(sample(garments.pixels[rows], affine(box, zero, zero + 1), 2 * size), 2)


def boxes_around(places: Tensor, chance: Chance) -> Tensor:
    """Return boxes (B, 4) as :func:`affine` takes them, around x, y, w, h (B, 4) of garments."""
    count = len(places)
    margins = chance.uniform(*MARGIN, count, 1) + chance.uniform(*MARGIN_OF_SIDE, count, 4)
    return widened(places, margins.clamp(LEAST_MARGIN, MOST_MARGIN))


def widened(places: Tensor, margins: Tensor) -> Tensor:
    """Widen x, y, w, h by the margins left, top, right and bottom, but not beyond the photo."""
    x, y, w, h = places.unbind(1)
    left, top = (x - margins[:, 0] * w).clamp(min=0), (y - margins[:, 1] * h).clamp(min=0)
    right = (x + (1 + margins[:, 2]) * w).clamp(max=1)
    bottom = (y + (1 + margins[:, 3]) * h).clamp(max=1)
    return torch.stack([left + right - 1, top + bottom - 1, right - left, bottom - top], 1)


def part(count: int, least: float, chance: Chance) -> Tensor:
    """Return random boxes (count, 4) of at least this share of the area."""
    side = chance.uniform(least, 1, count).sqrt()
    stretch = torch.exp(chance.uniform(-0.5, 0.5, count) * math.log(4 / 3))
    w, h = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
    x, y = (chance.uniform(-1, 1, count) * (1 - each) for each in (w, h))
    return torch.stack([x, y, w, h], 1)


def between(ends: tuple[float, float], count: int, chance: Chance) -> Tensor:
    """Return log-uniform random numbers (count,) between both ends."""
    return torch.exp(chance.uniform(math.log(ends[0]), math.log(ends[1]), count))


def mirrors(count: int, chance: Chance) -> Tensor:
    """Return random 1 or -1 (count,): -1 mirrors a view."""
    return torch.where(chance.uniform(0, 1, count) < 0.5, -1.0, 1.0)


def affine(box: Tensor, angle: Tensor, mirror: Tensor) -> Tensor:
    """Return matrices (B, 2, 3) of :func:`torch.nn.functional.affine_grid`.

    ``box`` (B, 4): the middle in [-1, 1] and the size as a share of the photo; ``angle`` (B,) in
    radians.
    """
    x, y, w, h = box.unbind(1)
    cos, sin = angle.cos(), angle.sin()
    across = torch.stack([cos * w * mirror, -sin * h, x], 1)
    down = torch.stack([sin * w * mirror, cos * h, y], 1)
    return torch.stack([across, down], 1)


def sample(pixels: Tensor, theta: Tensor, size: int) -> Tensor:
    """Sample uint8 photos (B, 3, h, w) by matrices (B, 2, 3): (B, 3, size, size)."""
    grid = F.affine_grid(theta, [len(pixels), 3, size, size], align_corners=False)
    return F.grid_sample(
        scale(pixels), grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def change_light(views: Tensor, chance: Chance) -> Tensor:
    """Change brightness, contrast and saturation of views (B, 3, s, s), and the light's colour."""
    count = len(views)
    gain = chance.uniform(0.6, 1.4, count, 1, 1, 1) * chance.uniform(0.9, 1.1, count, 3, 1, 1)
    views = (views + 1) * gain - 1
    mean = views.mean((1, 2, 3), keepdim=True)
    views = (views - mean) * chance.uniform(0.6, 1.4, count, 1, 1, 1) + mean
    grey = views.mean(1, keepdim=True)
    views = (views - grey) * chance.uniform(0.4, 1.4, count, 1, 1, 1) + grey
    return views.clamp(-1, 1).contiguous(memory_format=torch.channels_last)
