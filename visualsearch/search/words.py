"""Understand the words that a customer adds to a photo, and find the items that they describe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add, or_
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, When

from ..catalogs import CatalogSource, words
from ..catalogs.groups import plain
from ..encoders.base import Encoder
from ..encoders.recolour import recolour
from .colour_values import DARKER, LIGHTER, RGB, colour_in
from .nearest import Vector


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What words ask for.

    ``words``: whether each word was understood: it describes an item, or belongs to the colour.
    ``conditions``: one for each word, of the items that it describes. ``in_vain``: whether there
    were words that are not understood. ``colour``: the colour to search for in place of the
    photo's, as red, green and blue of 0…255; None if the words name none, or if the shop's texts
    tell which items have it. ``other_colour``: whether they tell so; then the photo's own colour
    does not matter within a group.
    """

    words: dict[str, bool] = field(default_factory=dict)
    conditions: list[Q] = field(default_factory=list)
    in_vain: bool = False
    colour: RGB | None = None
    other_colour: bool = False

    @property
    def required(self) -> list[Q]:
        """The conditions on items that all words describe; none meets them if a word is in vain."""
        return [*self.conditions, Q(pk__in=[])] if self.in_vain else self.conditions

    def recoloured(self, encoder: Encoder, vector: Vector) -> Vector:
        """Return a query vector (dim,) in the colour that the words name."""
        return vector if self.colour is None else recolour(encoder, vector, self.colour)


def wanted_by(text: str, source: CatalogSource) -> Wanted:
    """Return what the words of a text ask for."""
    told = words.split_words(text)
    found = conditions(source, source.visible(), told)
    colour = colour_in(text, source.colours)
    known = colour is not None and not colour.words.isdisjoint(found)
    understood = {*found, *(colour.words | LIGHTER | DARKER if colour else ())}
    return Wanted(
        words={word: word in understood for word in told} if source.takes_words else {},
        conditions=list(found.values()),
        in_vain=not understood.issuperset(told),
        colour=None if colour is None or known else colour.value,
        other_colour=known,
    )


def conditions(source: CatalogSource, rows: QuerySet[Any], texts: Iterable[str]) -> dict[str, Q]:
    """Return the condition for each word that describes any of the rows, by the word.

    A word that describes none is taken for a misspelled one, where the database can compare words.
    """
    found: dict[str, Q] = {}
    for word in texts:
        for make in (source.word_condition, lambda word: words.misspelled(source, word)):
            wanted = make(word)
            if wanted is not None and plain(rows).filter(wanted).exists():
                found[word] = wanted
                break
    return found


def described(
    source: CatalogSource, rows: QuerySet[Any], wanted: Iterable[Q], keys: Iterable[str]
) -> dict[str, int]:
    """Return how many of some conditions each of the rows with these keys meets, by its key."""
    wanted = list(wanted)
    met: list[Any] = [
        Case(When(each, then=1), default=0, output_field=IntegerField()) for each in wanted
    ]
    rows = plain(rows).filter(**{f"{source.key}__in": source.key_values(keys)})
    rows = rows.annotate(words_met=reduce(add, met))
    found: dict[str, int] = defaultdict(int)
    for key, count in rows.values_list(source.key, "words_met"):
        found[str(key)] = max(count, found[str(key)])
    return found


def most_described(
    source: CatalogSource, rows: QuerySet[Any], wanted: Sequence[Q], limit: int
) -> dict[str, int]:
    """Return ``limit`` rows that meet some of the conditions, those that meet all first.

    As a dict from the key to the number of conditions that the row meets.
    """
    every = reduce(lambda found, each: found.filter(each), wanted, plain(rows))
    keys = list(every.order_by(source.key).values_list(source.key, flat=True)[:limit])
    found = {str(key): len(wanted) for key in keys}
    if len(found) < limit and len(wanted) > 1:
        some = plain(rows).filter(reduce(or_, wanted)).order_by(source.key)
        keys = [str(key) for key in some.values_list(source.key, flat=True)[: 2 * limit]]
        others = [key for key in keys if key not in found][: limit - len(found)]
        found |= described(source, rows, wanted, others)
    return found
