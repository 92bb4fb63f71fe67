"""Augment garments: random parts of shop photos, random crops around a box on a person.

A box here is a tensor (B, 4): centre x, y in [-1, 1], then width and height as shares of the photo.
"""

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
# Margin of a box in evaluation, as in :mod:`.boxes`.
JUDGED_MARGIN = 0.08


def garment_views(
    garments: Garments, rows: Tensor, size: int, chance: Chance, *, least: float = 0.3
) -> Tensor:
    """Return a randomly augmented view of each row, float32 (B, 3, size, size) in [-1, 1].

    ``rows`` (B,): indices into ``garments``. A photo of a garment alone shows a random part of at
    least the share ``least`` of its area, its aspect ratio changed by up to 4/3. A garment with a
    box in a larger photo shows that box with random margins.
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
    """Return a randomly augmented part of each photo, float32 (B, 3, size, size) in [-1, 1].

    ``pixels``: photos labelled as a whole, uint8 (B, 3, 384, 256).
    """
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
    """Return the views for evaluation, not augmented, float32 (B, 3, size, size) in [-1, 1].

    ``rows`` (B,): indices into ``garments``. A photo of a garment alone is shown whole, a garment
    in a larger photo by its box with a margin of 8 % on each side.
    """
    margins = torch.full((len(rows), 4), JUDGED_MARGIN, device=rows.device)
    box = widened(garments.places[rows], margins)
    zero = torch.zeros(len(rows), device=rows.device)
    # Sample at twice the size, then halve, to avoid aliasing of larger crops.
    return F.avg_pool2d(sample(garments.pixels[rows], affine(box, zero, zero + 1), 2 * size), 2)


def boxes_around(places: Tensor, chance: Chance) -> Tensor:
    """Return a box (B, 4) with random margins around each garment.

    ``places`` (B, 4): left, top, width and height, as fractions of the photo.
    """
    count = len(places)
    margins = chance.uniform(*MARGIN, count, 1) + chance.uniform(*MARGIN_OF_SIDE, count, 4)
    return widened(places, margins.clamp(LEAST_MARGIN, MOST_MARGIN))


def widened(places: Tensor, margins: Tensor) -> Tensor:
    """Return boxes (B, 4): ``places`` widened by margins, clipped to the photo.

    ``places`` (B, 4): left, top, width and height, as fractions of the photo. ``margins`` (B, 4):
    left, top, right and bottom, as shares of the garment's size; below 0 they crop it.
    """
    x, y, w, h = places.unbind(1)
    left, top = (x - margins[:, 0] * w).clamp(min=0), (y - margins[:, 1] * h).clamp(min=0)
    right = (x + (1 + margins[:, 2]) * w).clamp(max=1)
    bottom = (y + (1 + margins[:, 3]) * h).clamp(max=1)
    return torch.stack([left + right - 1, top + bottom - 1, right - left, bottom - top], 1)


def part(count: int, least: float, chance: Chance) -> Tensor:
    """Return random boxes (count, 4) of about the share ``least`` (0…1) of the area or more."""
    side = chance.uniform(least, 1, count).sqrt()
    stretch = torch.exp(chance.uniform(-0.5, 0.5, count) * math.log(4 / 3))
    w, h = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
    x, y = (chance.uniform(-1, 1, count) * (1 - each) for each in (w, h))
    return torch.stack([x, y, w, h], 1)


def between(ends: tuple[float, float], count: int, chance: Chance) -> Tensor:
    """Return log-uniform random numbers (count,) between the two positive values of ``ends``."""
    return torch.exp(chance.uniform(math.log(ends[0]), math.log(ends[1]), count))


def mirrors(count: int, chance: Chance) -> Tensor:
    """Return 1 or -1 at random, (count,); -1 mirrors a view."""
    return torch.where(chance.uniform(0, 1, count) < 0.5, -1.0, 1.0)


def affine(box: Tensor, angle: Tensor, mirror: Tensor) -> Tensor:
    """Return the matrices (B, 2, 3) that sample these boxes, for ``affine_grid`` of PyTorch.

    ``box`` (B, 4): centre x, y in [-1, 1], width and height as shares of the photo. ``angle`` (B,):
    rotation in radians. ``mirror`` (B,): -1 mirrors, 1 does not.
    """
    x, y, w, h = box.unbind(1)
    cos, sin = angle.cos(), angle.sin()
    across = torch.stack([cos * w * mirror, -sin * h, x], 1)
    down = torch.stack([sin * w * mirror, cos * h, y], 1)
    return torch.stack([across, down], 1)


def sample(pixels: Tensor, theta: Tensor, size: int) -> Tensor:
    """Sample photos uint8 (B, 3, h, w) to float32 (B, 3, size, size) in [-1, 1].

    ``theta`` (B, 2, 3): matrices of :func:`affine`. Pixels beyond the photo are its mirror image.
    """
    grid = F.affine_grid(theta, [len(pixels), 3, size, size], align_corners=False)
    return F.grid_sample(
        scale(pixels), grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def change_light(views: Tensor, chance: Chance) -> Tensor:
    """Randomly change brightness, contrast, saturation and tint of views (B, 3, s, s).

    Their values are in [-1, 1], and are clipped to it afterwards.
    """
    count = len(views)
    gain = chance.uniform(0.6, 1.4, count, 1, 1, 1) * chance.uniform(0.9, 1.1, count, 3, 1, 1)
    views = (views + 1) * gain - 1
    mean = views.mean((1, 2, 3), keepdim=True)
    views = (views - mean) * chance.uniform(0.6, 1.4, count, 1, 1, 1) + mean
    grey = views.mean(1, keepdim=True)
    views = (views - grey) * chance.uniform(0.4, 1.4, count, 1, 1, 1) + grey
    return views.clamp(-1, 1).contiguous(memory_format=torch.channels_last)
