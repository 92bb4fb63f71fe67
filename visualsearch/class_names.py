"""Names that customers read for the classes of models, and words that match them to categories."""

from __future__ import annotations

import re
from itertools import pairwise

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

NAMES = {
    "bag": _("Bag"),
    "blazer": _("Blazer"),
    "dress": _("Dress"),
    "hat": _("Hat"),
    "hoodie": _("Hoodie"),
    "longsleeve": _("Long-sleeved top"),
    "outwear": _("Outerwear"),
    "pants": _("Trousers"),
    "polo": _("Polo shirt"),
    "shirt": _("Shirt"),
    "shoes": _("Shoes"),
    "shorts": _("Shorts"),
    "skirt": _("Skirt"),
    "t-shirt": _("T-shirt"),
    "undershirt": _("Undershirt"),
}
"""Names of the shipped model's classes; other models' classes are shown by their label."""

WORDS = {
    "bag": {"bag", "backpack", "handbag", "purse", "tote"},
    "blazer": {"blazer"},
    "dress": {"dress", "gown"},
    "hat": {"hat", "cap", "beanie"},
    "hoodie": {"hoodie", "sweatshirt"},
    "longsleeve": {"longsleeve", "long sleeve", "sweater", "jumper", "hoodie", "sweatshirt"},
    "outwear": {"outwear", "outerwear", "jacket", "coat", "parka"},
    "pants": {"pant", "trouser", "jean", "legging"},
    "polo": {"polo"},
    "shirt": {"shirt", "blouse"},
    "shoes": {"shoe", "sneaker", "boot", "sandal"},
    "shorts": {"short"},
    "skirt": {"skirt"},
    "t-shirt": {"t-shirt", "tee", "tank"},
    "undershirt": {"undershirt", "tank"},
}
"""Words in English category names that match each class of the shipped model."""


def class_name(label: str) -> str:
    """Return the name of a class in the active language."""
    return str(NAMES.get(label) or capfirst(label.replace("_", " ")))


def words_in(name: str) -> set[str]:
    """Return the words of a category's name in the singular, and each two neighbouring words."""
    words = re.findall(r"[\w-]+", name.lower())
    single = [re.sub(r"(?<=ss)es$|(?<=[^s])s$", "", word) for word in words]
    return {*single, *map(" ".join, pairwise(single))}
