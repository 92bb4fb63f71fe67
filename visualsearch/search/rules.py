"""The ranking rules that act on a search, and their effect on each item.

A process keeps a catalog's rules and their products in memory. A search asks whether a rule has
changed with a value that it reads anyway, so without rules, and with unchanged ones, it costs no
query.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.core.signals import setting_changed
from django.db import Error, connections
from django.db.models import Q
from django.utils import timezone

from .. import conf
from ..catalogs import current_catalog_name
from ..models import Query, RankingRule
from ..serving import loaded_versions
from ..serving.current_state import rules_revision
from .results import RULE, Hit
from .rule_effects import Acting, Effect, Effects
from .rule_products import Products, Selection, read_products

__all__ = ["Effect", "Effects", "class_in_photo", "effects_for", "touched"]

logger = logging.getLogger(__name__)

# Least probability at which the first class counts as the class in the photo.
LIKELY = 0.5


# What decides which rules act: category and class, primary keys of storefront and experiment. None
# where no rule asks for the search's value.
Conditions = tuple[str | None, str | None, int | None, int | None]


@dataclass(frozen=True, kw_only=True)
class LoadedRules:
    """A catalog's rules as read from the database, with their products.

    ``revision``: that of the rules. ``effects``: those of earlier searches by their conditions,
    each with the time at which a rule begins or ends to act.
    """

    revision: int
    rules: Sequence[tuple[RankingRule, Selection]]
    products: Products
    effects: dict[Conditions, tuple[datetime | None, Effects | None]] = field(default_factory=dict)

    @cached_property
    def asked(self) -> frozenset[tuple[int, Any]]:
        """The values that rules ask for, each with its place in the conditions."""
        return frozenset(
            (place, value)
            for rule, _selection in self.rules
            for place, value in enumerate(conditions_of(rule))
            if value
        )

    def effects_under(self, found: Conditions) -> Effects | None:
        """Return the effects under some conditions now, None if no rule acts."""
        category, label, storefront, experiment = found
        asked = self.asked
        known = (
            category if (0, category) in asked else None,
            label if (1, label) in asked else None,
            storefront if (2, storefront) in asked else None,
            experiment if (3, experiment) in asked else None,
        )
        until, effects = self.effects.get(known, (None, None))
        if known in self.effects and (until is None or timezone.now() < until):
            return effects
        until, effects = self.made(known)
        self.effects[known] = until, effects
        return effects

    def made(self, found: Conditions) -> tuple[datetime | None, Effects | None]:
        """Return until when they count, and the effects under some conditions."""
        now = timezone.now()
        matching = [each for each in self.rules if holds(each[0], found)]
        moments = [at for rule, _ in matching for at in (rule.starts, rule.ends) if at and at > now]
        acting = [
            Acting(rule, self.products.bits[selection], selection)
            for rule, selection in matching
            if rule.is_due(now)
        ]
        effects = Effects(acting, self.products) if acting else None
        return min(moments, default=None), effects


def conditions_of(rule: RankingRule) -> tuple[str, str, int | None, int | None]:
    """Return the values that a rule asks for; "" and None stand for any."""
    return rule.category.casefold(), rule.label, rule.storefront_id, rule.experiment_id


def holds(rule: RankingRule, found: Conditions) -> bool:
    """Return whether all conditions of a rule but its period hold."""
    pairs = zip(conditions_of(rule), found, strict=True)
    return all(not asked or asked == value for asked, value in pairs)


def effects_for(
    *,
    category: str | None,
    label: str | None,
    storefront: int | None,
    experiment: int | None,
    variant: str,
) -> Effects | None:
    """Return the effects of the rules that act on a search, None if there are none.

    ``category``: value of the category filter; ``label``: the class in the photo, see
    :func:`class_in_photo`; ``storefront``, ``experiment`` and ``variant``: those stored with the
    query. Costs no query unless a rule has changed, or the products of the rules are older than
    ``RULES_REFRESH``.
    """
    revision = rules_revision()
    if not revision:
        return None
    loaded = loaded_rules(revision)
    if not loaded.rules:
        return None
    treated = experiment if variant == Query.Variant.TREATMENT else None
    name = category.casefold() if isinstance(category, str) else None
    return loaded.effects_under((name, label, storefront, treated))


def class_in_photo(predictions: Sequence[Any]) -> str | None:
    """Return the most probable class if it is at least as probable as :data:`LIKELY`.

    ``predictions``: objects with ``label`` and ``probability``, best first.
    """
    best = predictions[0] if predictions else None
    return best.label if best is not None and best.probability >= LIKELY else None


def touched(hits: Iterable[Hit]) -> dict[str, list[str]] | None:
    """Return the keys of the shown items that each rule acted on, to store in ``Query.rules``.

    By the rule's primary key as text; None if no rule acted on any.
    """
    found: dict[str, list[str]] = {}
    for hit in hits:
        for reason in hit.reasons:
            if reason.kind == RULE:
                found.setdefault(str(reason.number), []).append(hit.item)
    return found or None


# --- the rules in this process ---

_loaded: dict[str, LoadedRules] = {}
_lock = threading.Lock()  # held while rules or products are read


def loaded_rules(revision: int) -> LoadedRules:
    """Return the current catalog's rules of a revision.

    While another thread reads them, the earlier rules are returned, if there are any. Products are
    read again by a thread of their own once they are half as old as ``RULES_REFRESH`` allows, and
    here if they are too old, because nobody searched meanwhile.
    """
    name = current_catalog_name()
    found = _loaded.get(name)
    if found is None:
        with _lock:
            return _loaded.get(name) or load(name, revision, None)
    if found.revision != revision:
        return in_turn(lambda: load(name, revision, found)) or found
    if found.rules and found.products.can_change:
        age, limit = time.monotonic() - found.products.read, conf.get("RULES_REFRESH")
        if age >= limit:
            return in_turn(lambda: refresh(name)) or found
        if age >= limit / 2 and not _lock.locked():
            run = copy_context().run  # a new thread would not know the catalog
            threading.Thread(
                target=run, args=(refresh_later, name), name="visualsearch-rules", daemon=True
            ).start()
    return found


def in_turn(read: Callable[[], LoadedRules]) -> LoadedRules | None:
    """Return what ``read`` returns; None if another thread is reading."""
    if not _lock.acquire(blocking=False):
        return None
    try:
        return read()
    finally:
        _lock.release()


def load(name: str, revision: int, before: LoadedRules | None) -> LoadedRules:
    """Read the rules of a catalog, and the products that ``before`` does not have."""
    now = timezone.now()
    rows = RankingRule.objects.filter(active=True).exclude(Q(ends__lte=now)).order_by("-pk")
    rules = [(rule, Selection.of(rule)) for rule in rows]
    products = (before.products if before else Products()).extended(each for _, each in rules)
    _loaded[name] = LoadedRules(revision=revision, rules=rules, products=products)
    return _loaded[name]


def refresh(name: str) -> LoadedRules:
    """Read the products of a catalog's rules again, and prepare what the last searches needed."""
    before = _loaded[name]
    products = read_products(selection for _, selection in before.rules)
    made = replace(before, products=products, effects={})
    for conditions in list(before.effects):
        effects = made.effects_under(conditions)
        if effects is not None:
            effects.hidden_items()
    _loaded[name] = made
    return made


def refresh_later(name: str) -> None:
    """Refresh in a thread; an error leaves the products as they are."""
    try:
        in_turn(lambda: refresh(name))
    except Error:
        logger.warning("The products of the ranking rules could not be read.", exc_info=True)
    finally:
        connections.close_all()


def forget(**kwargs: object) -> None:
    """Forget all rules: in a forked child, whose parent may hold the lock, and between tests."""
    global _lock
    _lock = threading.Lock()
    _loaded.clear()


setting_changed.connect(forget)
loaded_versions.also_unload.append(forget)
