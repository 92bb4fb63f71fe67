"""Understand the words that a customer adds to a photo."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Q

from ..catalogs import CatalogSource, words
from ..encoders.base import Encoder
from ..encoders.recolour import recolour
from .colour_values import RGB, colour_in
from .nearest import Vector


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What words ask for.

    ``conditions``: one for each word, of the items that it describes. ``colour``: the colour to
    search for in place of the photo's, as red, green and blue of 0…255; None if the words name
    none, or if the shop's texts tell which items have it. ``other_colour``: whether they tell so;
    then the photo's own colour does not matter within a group.
    """

    conditions: list[Q] = field(default_factory=list)
    colour: RGB | None = None
    other_colour: bool = False

    def recoloured(self, encoder: Encoder, vector: Vector) -> Vector:
        """Return a query vector (dim,) in the colour that the words name."""
        return vector if self.colour is None else recolour(encoder, vector, self.colour)


def wanted_by(text: str, source: CatalogSource) -> Wanted:
    """Return what the words of a text ask for; words that describe no item are left out."""
    found = words.conditions(source, source.visible(), words.split_words(text))
    colour = colour_in(text, source.colours)
    known = colour is not None and not colour.words.isdisjoint(found)
    return Wanted(
        conditions=list(found.values()),
        colour=None if colour is None or known else colour.value,
        other_colour=known,
    )
