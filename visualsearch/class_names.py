"""Names that customers read for the classes of models."""

from __future__ import annotations

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


def class_name(label: str) -> str:
    """Return the name of a class in the active language."""
    return str(NAMES.get(label) or capfirst(label.replace("_", " ")))
