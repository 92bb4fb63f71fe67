"""Names of the fifteen clothing classes, and the classes that a data set's label allows.

A label maps to a set of classes, because data sets differ in detail. “Top” of a shop allows t-shirt
and undershirt; “longsleeve” of a street photo allows longsleeve and hoodie.
"""

from __future__ import annotations

from ..exceptions import Refused

LEAVES = (
    "bag", "blazer", "dress", "hat", "hoodie", "longsleeve", "outwear", "pants", "polo", "shirt",
    "shoes", "shorts", "skirt", "t-shirt", "undershirt",
)  # fmt: skip
# The coarser class of each finer one.
PARENTS = {
    "hoodie": "longsleeve", "polo": "t-shirt", "undershirt": "t-shirt", "blazer": "outwear",
}  # fmt: skip

UNLABELLED = ("", "not sure", "other")
# Shop labels that are not classes themselves.
SHOP = {
    "top": ("t-shirt", "undershirt"),
    "body": ("t-shirt", "undershirt", "polo"),
    "blouse": ("shirt",),
}
# Tags of street photos that are more specific than their labels.
TAGS = {
    "blazer": "blazer", "hoodie": "hoodie", "coat": "outwear", "jacket": "outwear",
    "cape": "outwear", "vest": "outwear", "sweater": "longsleeve", "jumper": "longsleeve",
}  # fmt: skip


def shop_set(label: str) -> tuple[str, ...]:
    """Return the classes that a shop's label allows; empty for a missing or unsure label.

    Raises Refused for an unknown label.
    """
    name = label.strip().lower()
    return () if name in UNLABELLED else SHOP.get(name) or (known(name),)


def street_set(label: str, tag: str = "") -> tuple[str, ...]:
    """Return the classes that a street photo's label allows: the class and its finer classes.

    ``tag``: a more specific word, such as “blazer”; a known one replaces the label. Raises Refused
    for an unknown label.
    """
    name = known(label.strip().lower())
    finer = tuple(leaf for leaf, parent in PARENTS.items() if parent == name)
    chosen = TAGS.get(tag.strip().lower())
    return (chosen,) if chosen else (name, *finer)


def known(name: str) -> str:
    """Return ``name`` if it is one of the fifteen classes; raise Refused otherwise."""
    if name not in LEAVES:
        raise Refused(f"“{name}” is no class: give one of {', '.join(LEAVES)}")
    return name
