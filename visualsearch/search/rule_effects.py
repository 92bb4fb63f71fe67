"""Combine the ranking rules that act on a search into one effect per item."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ..models import RankingRule
from .rule_products import Kind, Products, Selection

Action = RankingRule.Action


@dataclass(frozen=True)
class Effect:
    """The effect of all rules on one item.

    ``boost``: what to add to the item's similarity (cosine, -1…1) when placing it; it never lifts
    an item over the match threshold. ``buried``: whether to place it behind the other items of the
    pool. ``hidden``: whether to leave it out. ``rules``: primary keys of the rules that act on it;
    those that a stronger one overrules are left out.
    """

    boost: float = 0.0
    buried: bool = False
    hidden: bool = False
    rules: tuple[int, ...] = ()


NOTHING = Effect()


class Acting(NamedTuple):
    """A rule that acts on a search, and the bit of its products."""

    rule: RankingRule
    bit: int
    selection: Selection

    @property
    def is_about_stock(self) -> bool:
        """Whether the rule selects what is out of stock."""
        return self.selection.kind == Kind.OUT_OF_STOCK


class Effects:
    """The effects of all rules that act on one search; threads may share it.

    "Never show" overrules all other rules. Then come "show later" for what is out of stock, "show
    first", any other "show later", and "show earlier"; of several of these, the strongest counts.
    """

    def __init__(self, acting: Sequence[Acting], products: Products):
        self.acting = acting
        self.products = products
        self.masks = products.masks
        self.bits = 0
        for each in acting:
            self.bits |= each.bit
        self.known: dict[int, Effect] = {}
        self.pins: Sequence[str] = self.pinned()

    def of(self, item: str) -> Effect:
        """Return the effect on the item with this key."""
        mask = self.masks.get(item, 0) & self.bits
        if not mask:
            return NOTHING
        found = self.known.get(mask)
        if found is None:
            found = self.known[mask] = effect([each for each in self.acting if each.bit & mask])
        return found

    def hidden_items(self) -> Collection[str]:
        """Return the keys of all items that are hidden, also those that look nothing alike."""
        return self.hidden

    @cached_property
    def hidden(self) -> frozenset[str]:
        """The set of :meth:`hidden_items`; one rule's is not copied."""
        hiding = {each.selection for each in self.acting if each.rule.action == Action.HIDE}
        sets = [self.products.keys[each] for each in hiding]
        return sets[0] if len(sets) == 1 else frozenset().union(*sets)

    def pinned(self) -> list[str]:
        """Return the keys of pinned items: the newest rule's first, each rule's in its order.

        Without those that a stronger rule hides or puts last.
        """
        keys: dict[str, None] = {}
        for each in self.acting:
            if each.rule.action == Action.PIN:
                keys.update(dict.fromkeys(each.selection.keys))
        effects = {key: self.of(key) for key in keys}
        return [key for key, found in effects.items() if not (found.hidden or found.buried)]


def effect(acting: Sequence[Acting]) -> Effect:
    """Return the effect on an item that all these rules select."""
    by_action: dict[str, list[Acting]] = {}
    for each in acting:
        by_action.setdefault(each.rule.action, []).append(each)
    hide, bury = by_action.get(Action.HIDE), by_action.get(Action.BURY, [])
    if hide:
        return Effect(hidden=True, rules=pks(hide))
    pin = by_action.get(Action.PIN)
    if pin and not any(each.is_about_stock for each in bury):
        return Effect(rules=pks(pin))
    if bury:
        return Effect(buried=True, rules=pks(bury))
    boost = max(each.rule.boost for each in acting)
    return Effect(boost=boost, rules=pks(each for each in acting if each.rule.boost == boost))


def pks(acting: Iterable[Acting]) -> tuple[int, ...]:
    """Return the primary keys of some rules."""
    return tuple(each.rule.pk for each in acting)
