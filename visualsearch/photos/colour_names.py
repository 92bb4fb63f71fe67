"""Name the colour of what a catalog picture shows, in one of twelve words."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 48
# Distance in RGB, 0…441, from the colour of the border at which a pixel is no background.
FAR = 40.0
# Least share of pixels that are no background; with fewer, the middle of the picture counts.
ENOUGH = 0.05

WORDS = {
    "black": {"black", "charcoal", "anthracite", "noir"},
    "white": {"white", "ivory", "ecru", "blanc"},
    "grey": {"grey", "gray", "silver", "slate", "gris"},
    "red": {"red", "burgundy", "maroon", "crimson", "scarlet", "wine", "bordeaux", "rouge"},
    "orange": {"orange", "coral", "rust", "apricot", "peach"},
    "yellow": {"yellow", "mustard", "lemon", "jaune"},
    "green": {"green", "olive", "khaki", "mint", "sage", "teal", "lime", "vert"},
    "blue": {"blue", "navy", "turquoise", "teal", "denim", "cobalt", "royal", "indigo", "bleu"},
    "purple": {"purple", "violet", "lilac", "lavender", "plum", "mauve"},
    "pink": {"pink", "rose", "fuchsia", "magenta", "salmon"},
    "brown": {"brown", "chocolate", "tan", "camel", "cognac", "bronze", "taupe", "marron"},
    "beige": {"beige", "cream", "sand", "nude", "natural", "champagne", "taupe", "ecru"},
}
"""Words in a shop's colour field that stand for each colour name."""

# Names that people and light confuse.
NEAR = {
    frozenset(pair)
    for pair in (
        ("black", "grey"), ("grey", "white"), ("white", "beige"), ("beige", "brown"),
        ("brown", "orange"), ("brown", "red"), ("orange", "red"), ("orange", "yellow"),
        ("red", "pink"), ("pink", "purple"), ("purple", "blue"), ("blue", "black"),
        ("beige", "pink"), ("beige", "yellow"), ("blue", "grey"), ("green", "blue"),
        ("brown", "grey"), ("beige", "grey"), ("brown", "black"), ("green", "grey"),
        ("orange", "pink"), ("green", "brown"), ("green", "black"), ("green", "beige"),
        ("white", "pink"), ("purple", "red"), ("green", "yellow"), ("purple", "black"),
        ("red", "black"),
        ("yellow", "brown"), ("purple", "grey"), ("purple", "brown"), ("pink", "grey"),
    )
}  # fmt: skip


def name_colour(image: Image.Image) -> tuple[str, float]:
    """Return the most frequent colour of an RGB image's subject, and its share of it, 0…1.

    The name is a key of :data:`WORDS`. What has the colour of the border is background.
    """
    pixels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32)
    names = names_of(pixels[subject_of(pixels)])
    counts = np.bincount(names, minlength=len(WORDS))
    best = int(counts.argmax())
    return list(WORDS)[best], float(counts[best] / counts.sum())


def subject_of(pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return a mask (h, w) of the pixels (h, w, 3) that are no background."""
    border = np.concatenate([pixels[:2].reshape(-1, 3), pixels[-2:].reshape(-1, 3)])
    sides = np.concatenate([pixels[:, :2].reshape(-1, 3), pixels[:, -2:].reshape(-1, 3)])
    background = np.median(np.concatenate([border, sides]), 0)
    middle = np.zeros(pixels.shape[:2], bool)
    middle[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4] = True
    inner = np.zeros_like(middle)
    inner[SIDE // 8 : -SIDE // 8, SIDE // 8 : -SIDE // 8] = True
    subject = (np.linalg.norm(pixels - background, axis=2) > FAR) & inner
    return subject if subject.mean() >= ENOUGH else middle


def names_of(pixels: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the index in :data:`WORDS` of the name of each RGB pixel (n, 3), 0…255."""
    most, least = pixels.max(1), pixels.min(1)
    chroma, value = most - least, most / 255
    saturation = np.divide(chroma, most, out=np.zeros_like(most), where=most > 0)
    red, green, blue = pixels.T
    safe = np.where(chroma > 0, chroma, 1)
    hue = np.where(
        most == red,
        (green - blue) / safe % 6,
        np.where(most == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    hue = hue * 60
    place = {name: number for number, name in enumerate(WORDS)}
    warm = (hue < 55) | (hue >= 345)
    rules = [
        ("black", value < 0.2),
        ("white", (saturation < 0.1) & (value > 0.82)),
        ("black", (saturation < 0.2) & (value < 0.27)),
        ("grey", saturation < 0.12),
        ("pink", ((hue >= 330) | (hue < 12)) & (saturation < 0.5) & (value > 0.65)),
        ("beige", warm & (saturation < 0.38) & (value > 0.58)),
        ("grey", warm & (saturation < 0.2)),
        ("brown", (hue >= 12) & (hue < 50) & (value < 0.62)),
        ("red", (hue < 12) | (hue >= 340)),
        ("orange", hue < 40),
        ("yellow", hue < 68),
        ("green", hue < 170),
        ("blue", hue < 258),
        ("purple", hue < 300),
        ("pink", hue < 341),
    ]
    return np.select([mask for _, mask in rules], [place[name] for name, _ in rules], default=0)


def names_in(text: str) -> set[str]:
    """Return the colour names for the words of a text, such as a shop's colour field."""
    words = set(re.findall(r"[^\W\d_]+", text.lower()))
    return {name for name, known in WORDS.items() if known & words}


def are_near(one: str, other: str) -> bool:
    """Return whether two names are the same or easily confused."""
    return one == other or frozenset((one, other)) in NEAR
