"""Cut a garment out of a photo that shows it alone, laid flat or hanging.

The method follows GrabCut (Rother, Kolmogorov and Blake, 2004): colour histograms of garment and
background, and a mask that follows the photo's edges, are estimated in turn. Mean field replaces
the graph cut, on a small copy of the photo, with NumPy alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .painting import Floats

SIDE = 112
BINS = 14
SWEEPS = 8
# Weight of a pixel's place against its colour, in each round.
PLACE_TRUST = (0.7, 0.6, 0.5, 0.4, 0.3)
# Share of the ground's histogram that is subtracted from the garment's.
STRAY = 0.5
BORDER = 0.05
# Reject a mask that covers a smaller or larger share of the photo.
LEAST_AREA, MOST_AREA = 0.1, 0.72
# Reject a mask that fills a smaller share of its bounding box: it is full of holes.
LEAST_FILL = 0.38
# Reject a mask that covers a larger share of the photo's border, where the ground is.
MOST_BORDER = 0.2
# Reject a garment whose colours are closer to the ground's (Bhattacharyya coefficient).
MOST_ALIKE = 0.55
# Reject a mask of which a larger share has the ground's colours.
MOST_GROUND = 0.09
# Reject a mask that overlaps less with its mirror image: clothes are symmetrical.
LEAST_SYMMETRY = 0.68
# Reject a mask whose edge is longer, relative to a disc of the same area: it follows noise.
MOST_RAGGED = 2.8

# Least and greatest ratio of width to height per class, laid flat.
PROPORTIONS = {
    "dress": (0.25, 1.05), "hat": (0.6, 2.2), "longsleeve": (0.55, 1.9), "outwear": (0.45, 1.6),
    "pants": (0.22, 0.85), "shirt": (0.5, 1.8), "shoes": (0.4, 2.6), "shorts": (0.6, 1.7),
    "skirt": (0.35, 1.9), "t-shirt": (0.55, 1.7),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CutOut:
    """A garment without background: ``pixels`` (h, w, 3), 0 to 255, ``alpha`` (h, w), 0 to 1."""

    pixels: Floats
    alpha: Floats


def cut_out(image: Image.Image, label: str) -> CutOut | None:
    """Cut out the garment of a photo, cropped to its edges; return None for an implausible mask.

    ``label``: the garment's class, for its proportions.
    """
    small = image.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    found = mask_of(np.asarray(small, np.float32))
    if found is None or not plausible(found, label):
        return None
    return enlarged(image, found)


def mask_of(pixels: Floats) -> NDArray[np.bool_] | None:
    """Return a boolean mask (h, w) of the garment in a photo (h, w, 3), 0 to 255.

    Return None if garment and background have similar colours.
    """
    bins = colour_bins(pixels)
    prior, border = place_prior(bins.shape)
    right, below = edges(pixels)
    share = prior.copy()
    share[border] = 0.02
    rim = histogram(bins, border.astype(np.float32))
    for trust in PLACE_TRUST:
        ground = 0.5 * histogram(bins, 1 - share) + 0.5 * rim
        # Colours of ground still inside the mask must not count as the garment's.
        ours = np.maximum(histogram(bins, share) - STRAY * ground, 1e-4)
        colours = np.log(ours[bins] / ground[bins]).clip(-4, 4)
        evidence = colours + trust * np.log(prior / (1 - prior))
        share = mean_field(evidence, share, right, below)
        # Sleeves may reach the border, but it must not be all garment.
        share[border] = np.minimum(share[border], 0.6)
    mask = middle_part(share > 0.5)
    if mask is None or alike(bins, mask) > MOST_ALIKE:
        return None
    return None if (colours[mask] < -1).mean() > MOST_GROUND else mask


def colour_bins(pixels: Floats) -> NDArray[np.int64]:
    """Return the number (h, w) of each pixel's colour bin, 14 levels in each of three axes.

    The axes are lightness and two chroma axes. ``pixels`` (h, w, 3), 0 to 255.
    """
    red, green, blue = np.moveaxis(pixels / 255, 2, 0)
    light = (red + green + blue) / 3
    first, second = (red - blue) * 1.6 + 0.5, (red / 2 - green + blue / 2) * 2.4 + 0.5
    parts = [np.clip((value * BINS).astype(int), 0, BINS - 1) for value in (light, first, second)]
    return (parts[0] * BINS + parts[1]) * BINS + parts[2]


def place_prior(shape: tuple[int, ...]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return each pixel's prior probability of garment (h, w), and a mask (h, w) of the border.

    The probability is high in the middle. ``shape``: (h, w).
    """
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    far = np.maximum(np.abs(2 * x / (shape[1] - 1) - 1), np.abs(2 * y / (shape[0] - 1) - 1))
    near = 1 / (1 + np.exp((far - 0.72) * 9))
    border = far > 1 - 2 * BORDER
    return (0.06 + 0.86 * near).astype(np.float32), border


def edges(pixels: Floats) -> tuple[Floats, Floats]:
    """Return the similarity of each pixel to its right and to its lower neighbour, 0.15 to 1.15.

    ``pixels`` (h, w, 3). The results are (h, w - 1) and (h - 1, w).
    """
    across = np.square(np.diff(pixels, axis=1)).sum(2)
    down = np.square(np.diff(pixels, axis=0)).sum(2)
    scale = 2 * float((across.mean() + down.mean()) / 2) + 1e-6
    return 0.15 + np.exp(-across / scale), 0.15 + np.exp(-down / scale)


def histogram(bins: NDArray[np.int64], weights: Floats) -> Floats:
    """Return the share of each colour bin, smoothed over neighbouring bins and always above 0.

    ``bins`` (h, w): bin of each pixel; ``weights`` (h, w): weight of each pixel.
    """
    counts = np.bincount(bins.ravel(), weights.ravel(), BINS**3).reshape(BINS, BINS, BINS)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if k == axis else (0, 0) for k in range(3)])
        before, after = np.roll(padded, 1, axis), np.roll(padded, -1, axis)
        mixed = 0.25 * before + 0.5 * padded + 0.25 * after
        counts = np.take(mixed, range(1, BINS + 1), axis)
    smooth = counts.ravel() / max(1e-9, counts.sum())
    return (smooth + 2e-4).astype(np.float32)


def mean_field(evidence: Floats, share: Floats, right: Floats, below: Floats) -> Floats:
    """Return each pixel's probability of garment (h, w), from its colour and its neighbours.

    ``evidence`` (h, w): log odds by colour and place. ``share`` (h, w): the probabilities to start
    from. ``right``, ``below``: similarity of each pixel to its right and to its lower neighbour.
    """
    for _ in range(SWEEPS):
        lean = 2 * share - 1
        pull = np.zeros_like(lean)
        pull[:, :-1] += right * lean[:, 1:]
        pull[:, 1:] += right * lean[:, :-1]
        pull[:-1] += below * lean[1:]
        pull[1:] += below * lean[:-1]
        share = 1 / (1 + np.exp(-np.clip(evidence + 1.6 * pull, -30, 30)))
    return share.astype(np.float32)


def filtered(mask: NDArray[np.bool_], kind: ImageFilter.Filter) -> NDArray[np.bool_]:
    """Apply one of Pillow's filters to a boolean mask."""
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(image.filter(kind)) > 127


def reached(start: NDArray[np.bool_], within: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the part of the mask ``within`` that is connected to the mask ``start``."""
    now, size = start & within, -1
    while (count := int(now.sum())) != size:
        size = count
        for _ in range(12):
            grown = now.copy()
            grown[1:] |= now[:-1]
            grown[:-1] |= now[1:]
            grown[:, 1:] |= now[:, :-1]
            grown[:, :-1] |= now[:, 1:]
            now = grown & within
    return now


def middle_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return the connected part in the middle of a mask, without specks and small holes.

    Return None if the middle is empty.
    """
    mask = filtered(filtered(mask, ImageFilter.MinFilter(3)), ImageFilter.MaxFilter(3))
    height, width = mask.shape
    seed = np.zeros_like(mask)
    seed[height * 3 // 8 : height * 5 // 8, width * 3 // 8 : width * 5 // 8] = True
    mask = reached(seed, mask)
    outside = np.zeros_like(mask)
    outside[[0, -1]] = outside[:, [0, -1]] = True
    holes = ~mask & ~reached(outside, ~mask)
    # Large holes, such as between two sleeves, are ground.
    mask = mask | (holes if holes.sum() < 0.06 * mask.sum() else False)
    return filtered(mask, ImageFilter.MedianFilter(3)) if mask.any() else None


def alike(bins: NDArray[np.int64], mask: NDArray[np.bool_]) -> float:
    """Return the similarity of garment and background colours, 0 to 1 (Bhattacharyya coefficient).

    ``bins`` (h, w): colour bin of each pixel; ``mask`` (h, w): true for the garment.
    """
    counts = [
        np.bincount(bins[part], minlength=BINS**3) / max(1, part.sum()) for part in (mask, ~mask)
    ]
    return float(np.sqrt(counts[0] * counts[1]).sum())


def plausible(mask: NDArray[np.bool_], label: str) -> bool:
    """Return whether a mask can be a whole, upright garment seen from the front.

    ``label``: the garment's class, for its proportions.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) < 8 or len(columns) < 8:
        return False
    tight = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    rim = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    inner = filtered(mask, ImageFilter.MinFilter(3))
    edge = float((mask & ~inner).sum()) / (2 * np.sqrt(np.pi * mask.sum()))
    low, high = PROPORTIONS.get(label, (0.2, 3.0))
    return bool(
        LEAST_AREA <= mask.mean() <= MOST_AREA
        and tight.mean() >= LEAST_FILL
        and rim.mean() <= MOST_BORDER
        and edge <= MOST_RAGGED
        and low <= tight.shape[1] / tight.shape[0] <= high
        and (label in ("shoes", "hat") or symmetry(tight) >= LEAST_SYMMETRY)
    )


def symmetry(mask: NDArray[np.bool_]) -> float:
    """Return the intersection over union of a mask and its mirror image."""
    mirrored = mask[:, ::-1]
    return float((mask & mirrored).sum() / max(1, (mask | mirrored).sum()))


def enlarged(image: Image.Image, mask: NDArray[np.bool_]) -> CutOut:
    """Crop a photo to its garment, with a soft edge; ``mask``: the garment, at a smaller size."""
    soft = Image.fromarray(mask.astype(np.uint8) * 255).resize(image.size, Image.Resampling.BICUBIC)
    # Slightly inside the edge, so that no ground is included.
    step = image.width / mask.shape[1]
    blurred = np.asarray(soft.filter(ImageFilter.GaussianBlur(step * 0.6)), np.float32) / 255
    alpha: Floats = np.clip((blurred - 0.55) / 0.3, 0, 1).astype(np.float32)
    rows, columns = np.flatnonzero((alpha > 0.5).any(1)), np.flatnonzero((alpha > 0.5).any(0))
    area = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return CutOut(pixels=np.asarray(image, np.float32)[area], alpha=alpha[area])
