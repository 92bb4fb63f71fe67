"""Choose the items to show from ranked ones, with their cards and variants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..catalogs import CatalogSource, groups
from .cards import look_up_cards, with_card
from .groups import MOST_VARIANTS
from .results import Variant

# Visible items and their groups are looked up for so many times the items that are needed.
PER_GROUP = 4


class Shown:
    """Chooses the items that are visible and have a card.

    ``cards``: whether to make cards; without, they are empty.
    """

    def __init__(self, source: CatalogSource, cards: bool):
        self.source, self.cards = source, cards
        self.known: dict[str, dict[str, Any] | None] = {}

    def first(self, keys: Sequence[str], need: int) -> list[tuple[str, dict[str, Any]]]:
        """Return the first ``need`` items to show, with their cards; fewer if there are fewer."""
        look_up_cards(self.source, keys, need, self.known, empty=not self.cards)
        return [(key, card) for key in keys if (card := self.known.get(key)) is not None][:need]

    def group_of(self, key: str) -> str:
        """Return the group of a shown item, "" if it has none."""
        return ""

    def variants_of(self, key: str) -> list[Variant]:
        """Return the other items of a shown item's group."""
        return []


class ShownGroups(Shown):
    """Chooses the first item of each group; the others are its variants.

    ``skip``: how many of the first items need no variants.
    """

    def __init__(self, source: CatalogSource, cards: bool, skip: int = 0):
        super().__init__(source, cards)
        self.skip = skip
        self.groups: dict[str, str | None] = {}
        self.members: dict[str, list[str]] = {}

    def first(self, keys: Sequence[str], need: int) -> list[tuple[str, dict[str, Any]]]:
        """Return the first ``need`` items to show, with their cards; fewer if there are fewer."""
        for some in (keys[: need * PER_GROUP], keys):
            self.look_up_groups(some)
            found = self.first_of(some, need)
            if len(found) == need:
                break
        return found

    def look_up_groups(self, keys: Sequence[str]) -> None:
        """Add the groups of items to those that are known; None for an item that is hidden."""
        new = [key for key in keys if key not in self.groups]
        if new:
            visible = groups.groups_of(self.source, new)
            self.groups.update({key: visible.get(key) for key in new})

    def first_of(self, keys: Sequence[str], need: int) -> list[tuple[str, dict[str, Any]]]:
        """Return the first item of each group among some whose groups are known."""
        while True:
            chosen = self.choose(keys, need)
            if self.cards:
                self.look_up_variants(chosen[self.skip :])
            wanted = [*chosen, *(key for each in chosen for key in self.others(each))]
            look_up_cards(self.source, wanted, len(wanted), self.known, empty=not self.cards)
            failed = [key for key in chosen if self.known.get(key) is None]
            if not failed:
                return [(key, self.known[key] or {}) for key in chosen]
            # Another item stands for the group of one whose card fails.
            self.groups.update(dict.fromkeys(failed))

    def choose(self, keys: Sequence[str], need: int) -> list[str]:
        """Return the key of the first item of each group; an item without a group is its own."""
        firsts: dict[str, str] = {}
        for key in keys:
            group = self.groups[key]
            if group is not None:
                firsts.setdefault(f"group {group}" if group else f"item {key}", key)
            if len(firsts) == need:
                break
        return list(firsts.values())

    def look_up_variants(self, keys: Sequence[str]) -> None:
        """Add the items of the groups of some items to those that are known."""
        wanted = {self.group_of(key) for key in keys} - {"", *self.members}
        found = groups.members(self.source, wanted)
        self.members.update({group: found.get(group, []) for group in wanted})

    def others(self, key: str) -> list[str]:
        """Return the keys of the other items of an item's group, those that are shown."""
        members = self.members.get(self.group_of(key), [])
        return [each for each in members if each != key][:MOST_VARIANTS]

    def group_of(self, key: str) -> str:
        """Return the group of a shown item, "" if it has none."""
        return self.groups[key] or ""

    def variants_of(self, key: str) -> list[Variant]:
        """Return the other items of a shown item's group, in the order of their keys."""
        return with_card([Variant(item=each, card={}) for each in self.others(key)], self.known)
