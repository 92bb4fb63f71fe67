"""Arrange the items most like a photo by the customer's words and the merchandiser's rules.

Only the :data:`POOL` most similar items are arranged, with those that the words describe best and
those that a rule pins. Whatever the page, the pool is the same, so pages join. All other items
follow in the order of their similarity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from ..catalogs import CatalogSource, groups
from ..catalogs.groups import plain
from ..serving.live_index import LiveIndex
from .nearest import Score, Vector, alike_items, scores_of
from .results import ALIKE, RULE, WORDS, Reason
from .rule_effects import NOTHING, Effect
from .rules import Effects
from .words import Wanted, described, most_described

POOL = 100
"""Number of most similar items that words, rules and sort orders arrange, and facets count."""

# Most items outside the pool that words bring in, unless so many of the pool meet all words.
MOST_DESCRIBED, ENOUGH = 100, 24
# The constant of reciprocal rank fusion: a rank r counts 1 / (K + r). Source: Cormack, Clarke and
# Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods"
# (2009).
K = 60
# Weight of a word's ranking. With .5 a described item passes one that looks more alike by up to
# sixty places. On two catalogs, 1 found no more products than .5, and .3 fewer.
WEIGHT = 0.5


class Arrangement:
    """The order of the best items under words and rules, for one query and one set of filters.

    ``rows``: returns the items that pass the filters. ``wanted``: what the customer's words ask
    for. ``effects``: of the rules, None without rules.
    """

    def __init__(
        self,
        current: LiveIndex,
        vectors: Sequence[Vector],
        source: CatalogSource,
        rows: Callable[[], QuerySet[Any]],
        wanted: Wanted,
        effects: Effects | None,
    ):
        self.current, self.vectors, self.source = current, vectors, source
        self.make_rows, self.wanted, self.effects = rows, wanted, effects
        self.placed: list[str] | None = None
        self.extra: dict[str, Score] = {}
        self.ranks: dict[str, int] = {}
        self.met: Mapping[str, int] = {}

    @cached_property
    def rows(self) -> QuerySet[Any]:
        """The items that pass the filters."""
        return self.make_rows()

    def order(self, best: Mapping[str, Score]) -> list[str]:
        """Return the keys of all items in the new order.

        ``best``: items with their scores, most similar first; at least :data:`POOL` of them, if the
        index has so many.
        """
        keys = list(best)
        if self.placed is None:
            self.placed = self.place({key: best[key] for key in keys[:POOL]})
        tail = [key for key in keys[POOL:] if key not in self.extra]
        if self.effects:
            tail = [key for key in tail if not self.effects.of(key).hidden]
        return self.placed + tail

    def place(self, pool: Mapping[str, Score]) -> list[str]:
        """Return the keys of the pool, and of the items that come into it, in their new order."""
        group = self.groups_of(pool)
        self.met = self.words_met([*pool, *group])
        coming = [key for key, count in self.met.items() if count] + self.pins
        self.extra = scores_of(
            self.current, self.vectors, [key for key in coming if key not in pool]
        )
        candidates = {**pool, **self.extra}
        order = sorted(candidates, key=lambda key: -candidates[key][0])
        self.ranks = {key: rank for rank, key in enumerate(order, 1)}
        acting = self.acting(order)
        order = self.boosted(order, acting, candidates)
        if self.wanted.conditions:
            order = self.fused(lifted(order, group))
        return self.moved(order, acting)

    def acting(self, keys: Iterable[str]) -> dict[str, Effect]:
        """Return the effects on items, of those on which rules act."""
        if self.effects is None:
            return {}
        of = self.effects.of
        return {key: effect for key in keys if (effect := of(key)).rules}

    def reasons(self, key: str) -> list[Reason]:
        """Return why an item stands where it stands; [] for one that is not arranged."""
        rank, met = self.ranks.get(key), self.met.get(key)
        if rank is None:
            return []
        found = [Reason(kind=ALIKE, number=rank)]
        if met:
            found.append(Reason(kind=WORDS, number=met))
        rules = self.effects.of(key).rules if self.effects else ()
        return found + [Reason(kind=RULE, number=rule) for rule in rules]

    def groups_of(self, pool: Mapping[str, Score]) -> dict[str, str]:
        """Return the groups of the pool's items and of the other items of these groups, by key.

        {} unless the words choose another colour.
        """
        if not (self.wanted.other_colour and self.source.group):
            return {}
        members = groups.members(self.source, groups.groups_of(self.source, pool).values())
        return {key: group for group, keys in members.items() for key in keys}

    def words_met(self, keys: Iterable[str]) -> dict[str, int]:
        """Return by how many words each item is described, of some and of the whole catalog.

        The catalog is searched only if few of the items are described by all words.
        """
        wanted = self.wanted.conditions
        if not wanted:
            return {}
        met = described(self.source, self.rows, wanted, keys)
        if sum(count == len(wanted) for count in met.values()) >= ENOUGH:
            return met
        return most_described(self.source, self.rows, wanted, MOST_DESCRIBED) | met

    @cached_property
    def pins(self) -> list[str]:
        """The keys of pinned items that pass the filters, in order."""
        pins = list(self.effects.pins) if self.effects else []
        if not pins:
            return []
        rows = plain(self.rows).filter(**{f"{self.source.key}__in": self.source.key_values(pins)})
        passing = {str(key) for key in rows.values_list(self.source.key, flat=True)}
        return [key for key in dict.fromkeys(pins) if key in passing]

    def boosted(
        self, keys: Sequence[str], acting: Mapping[str, Effect], scores: Mapping[str, Score]
    ) -> list[str]:
        """Return the keys sorted by similarity and boost; what is not alike is not boosted."""
        boosts = {key: effect.boost for key, effect in acting.items() if effect.boost}
        if not boosts:
            return list(keys)
        alike = alike_items(self.current, self.vectors, boosts)
        boosted = {key: scores[key][0] + boosts[key] for key in alike}
        return sorted(keys, key=lambda key: -(boosted.get(key) or scores[key][0]))

    def fused(self, keys: Sequence[str]) -> list[str]:
        """Return the keys by reciprocal rank fusion of their order with the words.

        Each word counts as a ranking in which all items that it describes share the first place.
        """
        met = self.met
        scores = {
            key: 1 / (K + n) + met.get(key, 0) * WEIGHT / (K + 1) for n, key in enumerate(keys, 1)
        }
        return sorted(keys, key=lambda key: -scores[key])

    def moved(self, keys: Sequence[str], acting: Mapping[str, Effect]) -> list[str]:
        """Return the keys with pinned items first and buried ones last, without hidden ones."""
        if not (acting or self.pins):
            return list(keys)
        first = [
            key for key in self.pins if key in self.ranks and not acting.get(key, NOTHING).hidden
        ]
        usual: list[str] = []
        buried: list[str] = []
        for key in keys:
            effect = acting.get(key, NOTHING)
            if not (effect.hidden or key in first):
                (buried if effect.buried else usual).append(key)
        return first + usual + buried


def lifted(keys: Sequence[str], group: Mapping[str, str]) -> list[str]:
    """Return the keys with each item beside the first one of its group.

    A photo of a style in one colour finds that colour; the others of the style look alike, too.
    ``group``: the groups of items that have one.
    """
    first: dict[str, int] = {}
    for place, key in enumerate(keys):
        first.setdefault(group.get(key, ""), place)
    places = {key: first[group[key]] if key in group else n for n, key in enumerate(keys)}
    return sorted(keys, key=lambda key: places[key])
